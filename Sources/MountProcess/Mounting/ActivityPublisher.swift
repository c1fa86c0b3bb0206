// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import KitFileSystem
internal import KitMount
internal import LayerCache
internal import LayerStore
internal import MountRecords
private import Threading

/// Keeps a mount's record and publishes its layers' progress and waits, twice a second while they change.
final class ActivityPublisher: Sendable {
    private let tree: KitFileSystem
    private let waits: WaitLedger
    private let state = Monitor<(record: LiveRecord?, isStopped: Bool)>((nil, false))

    /// State that the publishing thread keeps from one look to the next.
    private struct Memory {
        var meters: [RateMeter]
        var errors: [(text: String, time: Int64)?]
        var published: MountActivity?
        var io: MountActivity.IO?
        /// The status on disk of layers at rest.
        var resting: [Layer.Status?]
        var looks = 0

        init(layers: Int) {
            meters = Array(repeating: RateMeter(), count: layers)
            errors = Array(repeating: nil, count: layers)
            resting = Array(repeating: nil, count: layers)
        }
    }

    /// The disk is looked at once in this many looks, for readers that cannot open the cache.
    private static let looksPerDiskLook = 20

    init(_ tree: KitFileSystem, _ waits: WaitLedger) {
        self.tree = tree
        self.waits = waits
    }

    /// `io`: how files are read, once that is known.
    func start(_ record: MountRecord, io: @escaping @Sendable () -> ReadMode?, id: String) {
        guard let live = LiveRecord(record, id: id) else { return }
        state.update { $0.record = live }
        BackgroundThread.start { [self] in
            var memory = Memory(layers: tree.mountedLayers.count)
            repeat {
                memory.io = memory.io ?? io().map(MountActivity.IO.init)
                let activity = look(&memory)
                if activity != memory.published {
                    state.update { state in if !state.isStopped { state.record?.publish(activity) } }
                    memory.published = activity
                }
            } while state.wait(atMost: .milliseconds(500)) { $0.isStopped ? () : nil } == nil
        }
    }

    func stop() {
        state.update { state in
            state.isStopped = true
            state.record?.remove()
            state.record = nil
        }
    }

    private func look(_ memory: inout Memory) -> MountActivity {
        var activity = MountActivity(io: memory.io)
        let waits = waits.byLayer()
        for (ordinal, item) in tree.mountedLayers.enumerated() {
            let live = item.layer.activity
            // A failed layer fetches nothing, and the disk has what came of it.
            let isAtRest = live == nil || live?.stage == .failed
            if !isAtRest {
                memory.resting[ordinal] = nil
            } else if memory.resting[ordinal] == nil || memory.looks % Self.looksPerDiskLook == 0 {
                memory.resting[ordinal] = item.layer.status
            }
            guard let status = isAtRest ? memory.resting[ordinal] : live else { continue }
            memory.meters[ordinal].note(status.cached)
            let error = (live?.error).map(\.description)
            if memory.errors[ordinal]?.text != error {
                memory.errors[ordinal] = error.map { ($0, Int64(time(nil))) }
            }
            activity.layers[String(ordinal)] = MountActivity.Layer(
                stage: (live ?? status).stage.rawValue, cached: status.cached, isAtRest: isAtRest,
                received: item.layer.receivedBytes, rate: isAtRest ? 0 : memory.meters[ordinal].rate, error: error,
                errorTime: memory.errors[ordinal]?.time, waits: (waits[ordinal] ?? []).map(MountActivity.Wait.init))
        }
        memory.looks += 1
        return activity
    }
}

extension MountActivity.IO {
    fileprivate init(_ mode: ReadMode) {
        switch mode {
        case .passthrough: self.init(mode: "passthrough", reason: nil)
        case .read(let obstacle): self.init(mode: "read", reason: "\(obstacle)")
        }
    }
}

extension MountActivity.Wait {
    fileprivate init(_ wait: WaitLedger.Summary) {
        self.init(operation: wait.operation.rawValue, count: wait.count, since: wait.since, callers: wait.callers)
    }
}
