// SPDX-License-Identifier: Apache-2.0
/// Runs jobs that may block, each on a thread, so many at once and the rest in the order in which they came.
///
/// Threads end when there is nothing to do. No job runs inside a Swift Task: blocking one of its few threads would
/// stop everything.
public final class WorkerPool: Sendable {
    private struct State {
        var queue: [@Sendable () -> Void] = []
        var running = 0
    }

    private let limit: Int
    private let state = Monitor(State())

    /// `limit`: 1 or more.
    public init(limit: Int) { self.limit = limit }

    public func submit(_ job: @escaping @Sendable () -> Void) {
        let isWorkerNeeded = state.update { state in
            state.queue.append(job)
            guard state.running < limit else { return false }
            state.running += 1
            return true
        }
        if isWorkerNeeded { BackgroundThread.start { self.work() } }
    }

    /// Blocks until no job runs or waits.
    public func waitUntilIdle() {
        state.wait { $0.running == 0 && $0.queue.isEmpty ? () : nil }
    }

    private func work() {
        while true {
            let job = state.update { state -> (@Sendable () -> Void)? in
                guard !state.queue.isEmpty else {
                    state.running -= 1
                    return nil
                }
                return state.queue.removeFirst()
            }
            guard let job else { return }
            job()
        }
    }
}
