// SPDX-License-Identifier: Apache-2.0
public import LayerStore
public import ModelKit
public import OCI
internal import Synchronization
private import Threading

/// The tree of a kit: exactly the files that `kit unpack` writes, read-only, from layers that may not be here yet.
///
/// No operation blocks: one that lacks something says what, and is tried again once that has come or failed.
/// A layer is consulted only for names at, above or below its declared path, so that one does not wait for another.
public final class KitFileSystem: Sendable {
    let layers: [MountedLayer]
    let scopeDirectories: ScopeDirectories
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
    /// Lock order: before `IndexStage.state` of the layers.
    let decisions: Mutex<LayerRefusals>
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
        decisions = Mutex(LayerRefusals(count: layers.count))
        scopeDirectories = ScopeDirectories(scopes: scopes)
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

    /// Takes back what was asked for: a fetch that nobody else waits for ends.
    public typealias Withdrawal = @Sendable () -> Void

    /// Asks a layer for what an operation needs. `met` is called once, on any thread, when it is here (nil) or has failed.
    /// Returns nil if that has happened already.
    public func require(_ need: Need, _ met: @escaping Layer.Waiter) -> Withdrawal? {
        let layer = layers[need.layer].layer
        let waiter =
            switch need.what {
            case .index: layer.requireIndex(met)
            case .content: layer.requireContent(met)
            case .range(let range, let ahead): layer.requireRange(range, ahead: ahead, met)
            }
        guard let waiter else { return nil }
        return { layer.cancel(waiter) }
    }

    /// Blocks until an operation has what it needs: for callers that keep nobody else waiting.
    public func block<Value>(
        until attempt: (Failures) -> Attempt<Value>
    ) throws(FileSystemError) -> Value {
        var failures: Failures = [:]
        while true {
            switch attempt(failures) {
            case .done(let value): return value
            case .failed(let error): throw error
            case .needs(let needs): failures = wait(for: needs, after: failures)
            }
        }
    }

    private func wait(for needs: [Need], after failures: Failures) -> Failures {
        let state = Monitor((unmet: needs.count, failures: failures))
        for need in needs {
            _ = require(need) { error in
                state.update { state in
                    state.unmet -= 1
                    if let error { state.failures[need.layer] = error }
                }
            }
        }
        return state.wait { $0.unmet == 0 ? $0.failures : nil }
    }
}
