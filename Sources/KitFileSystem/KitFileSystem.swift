// SPDX-License-Identifier: Apache-2.0
public import LayerStore
public import ModelKit
public import OCI
internal import Synchronization

/// The tree of a kit: exactly the files that `kit unpack` writes, read-only, from layers that may not be here yet.
///
/// No operation blocks: one that lacks something says what, and is tried again once that has come or failed.
/// A layer is consulted only for names at, above or below its declared path, so that one does not wait for another.
public final class KitFileSystem: Sendable {
    let layers: [MountedLayer]
    let junctions: Junctions
    let kitfile: [UInt8]
    let showsKitfile: Bool
    let modes: ModePolicy
    /// What stands for things that belong to the kit as a whole.
    let kitTime: Int64
    public let reference: Reference
    public let digest: Digest
    /// Bytes of all layers that are shown, as the registry has them.
    public let size: UInt64
    let store: LayerStore
    /// What was found to speak against layers, and when: see `objections(_:)`.
    let standing = Mutex<Standing?>(nil)
    let openFiles = HandleTable<OpenFile>()
    let streamed = StreamedInodes()
    let openDirectories = HandleTable<Listing>()

    /// Throws `ModelKitError` if the Kitfile cannot be written as YAML.
    public init(
        _ family: KitFamily, store: LayerStore, modes: ModePolicy, verify: VerifyPolicy = .beforeRead
    ) throws(ModelKitError) {
        let kit = family.kit
        self.store = store
        // A parent's files come first, so that the kit's own win.
        let placed = family.members.reversed().flatMap { member in member.layers.map { (member.source, $0) } }
        let scopes = placed.map(\.1.path)
        layers = placed.enumerated().map { ordinal, item in
            let overlaps = scopes.indices.filter { other in
                other != ordinal && (scopes[other].contains(scopes[ordinal]) || scopes[ordinal].contains(scopes[other]))
            }
            let layer = store.layer(
                item.1.descriptor, form: item.1.form, claimedSize: item.1.file?.size, source: item.0)
            return MountedLayer(
                layer: layer, declared: item.1, ordinal: ordinal, overlaps: overlaps,
                isStreamed: verify.isStreamed(item.1))
        }
        junctions = Junctions(scopes: scopes)
        kitfile = try kit.kitfile.yaml()
        showsKitfile = family.showsKitfile
        self.modes = modes
        reference = family.members[0].source.reference
        digest = kit.resolved.digest
        kitTime = SyntheticTime.of(kit.resolved.digest)
        size = family.size
    }

    /// The layers, for `status`.
    public var mountedLayers: [(declared: KitLayer, layer: Layer, isStreamed: Bool)] {
        layers.map { ($0.declared, $0.layer, $0.isStreamed) }
    }

    /// Takes hold of the layers that are in the cache already.
    public func claimCached() {
        for mounted in layers { mounted.layer.claimIfCached() }
    }

    // MARK: Waiting

    /// Calls back once all needs are met or have failed, with what failed added to `failures`.
    public func whenMet(
        _ needs: [Need], _ failures: Failures, _ completion: @escaping @Sendable (Failures) -> Void
    ) -> PendingWait {
        let wait = PendingWait()
        let state = SharedMutex((remaining: needs.count, failures: failures))
        for need in needs {
            let met: Layer.Waiter = { error in
                let finished = state.withLock { state -> Failures? in
                    if let error { state.failures[need.layer] = error }
                    state.remaining -= 1
                    return state.remaining == 0 ? state.failures : nil
                }
                if let finished { completion(finished) }
            }
            let layer = layers[need.layer].layer
            let waiter =
                switch need.what {
                case .index: layer.requireIndex(met)
                case .content: layer.requireContent(met)
                case .range(let range, let ahead): layer.requireRange(range, ahead: ahead, met)
                }
            if let waiter { wait.onCancel { layer.cancel(waiter) } }
        }
        return wait
    }

    /// A mutex that closures can share.
    private final class SharedMutex<Value: Sendable>: Sendable {
        private let mutex: Mutex<Value>
        init(_ value: Value) { mutex = Mutex(value) }
        func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
            mutex.withLock { value in body(&value) }
        }
    }
}
