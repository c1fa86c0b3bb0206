// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
private import Synchronization
internal import Threading

/// Runs what makes layers durable, one at a time. Of several jobs for a layer that wait, only the last is kept: it covers
/// what the others would have, and they hold descriptors.
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
