// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
private import Synchronization
internal import Threading

/// Runs the jobs that save snapshots, one at a time. Of several waiting jobs for a layer only the last is kept: it
/// covers the others, and each of them holds descriptors.
final class SnapshotQueue: Sendable {
    private let pool = WorkerPool(limit: 1)
    private let waiting = Mutex<[LayerKey: @Sendable () -> Void]>([:])

    func submit(_ key: LayerKey, _ job: @escaping @Sendable () -> Void) {
        let isFirst = waiting.withLock { $0.updateValue(job, forKey: key) == nil }
        guard isFirst else { return }
        pool.submit { [self] in
            let job = waiting.withLock { $0.removeValue(forKey: key) }
            job?()
        }
    }

    func waitUntilIdle() { pool.waitUntilIdle() }
}
