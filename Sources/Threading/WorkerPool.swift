// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// Runs jobs that may block, on a limited number of threads, in the order in which they were submitted.
///
/// Idle threads stay for a moment, since creating one costs as much as a small request. No job runs inside a Swift
/// Task: blocking one of its few threads would stop everything.
public final class WorkerPool: @unchecked Sendable {
    // SAFETY: what varies is touched only between lock and unlock of `mutex`; the primitives are allocated, not moved.
    private var queue: [@Sendable () -> Void] = []
    /// Jobs at the front of `queue` that were taken. The queue is shortened now and then.
    private var taken = 0
    private var threads = 0
    /// Threads that wait for a job.
    private var idle = 0
    private let limit: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let jobCame: UnsafeMutablePointer<pthread_cond_t>
    private let allDone: UnsafeMutablePointer<pthread_cond_t>

    /// Seconds.
    private static let idleTime = 2

    /// `limit`: 1 or more.
    public init(limit: Int) {
        self.limit = limit
        mutex = .allocate(capacity: 1)
        jobCame = .allocate(capacity: 1)
        allDone = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(jobCame, &attributes)
        pthread_condattr_destroy(&attributes)
        pthread_cond_init(allDone, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(jobCame)
        pthread_cond_destroy(allDone)
        mutex.deallocate()
        jobCame.deallocate()
        allDone.deallocate()
    }

    private var waiting: Int { queue.count - taken }

    public func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        queue.append(job)
        let isThreadNeeded = waiting > idle && threads < limit
        if isThreadNeeded { threads += 1 } else { pthread_cond_signal(jobCame) }
        pthread_mutex_unlock(mutex)
        if isThreadNeeded, !BackgroundThread.startNow({ self.work() }) { doWithout() }
    }

    /// No thread could be created, as within a limit of processes. Another thread runs the job later, or this one does
    /// it now.
    private func doWithout() {
        pthread_mutex_lock(mutex)
        let isAlone = threads == 1
        if !isAlone {
            threads -= 1
            pthread_cond_signal(jobCame)
        }
        pthread_mutex_unlock(mutex)
        if isAlone { while let job = nextJob(waits: false) { job() } }
    }

    /// Runs `job` on one of the threads while `body` runs on this one; returns when both have ended. If all threads are busy,
    /// `job` waits for one.
    public func run<Result>(
        _ job: @escaping @Sendable () -> Void, beside body: () throws -> Result
    ) rethrows -> Result {
        let isDone = Monitor(false)
        submit {
            job()
            isDone.update { $0 = true }
        }
        defer { isDone.wait { $0 ? () : nil } }
        return try body()
    }

    /// Blocks until no job runs or waits.
    public func waitUntilIdle() {
        pthread_mutex_lock(mutex)
        while waiting > 0 || threads > idle { pthread_cond_wait(allDone, mutex) }
        pthread_mutex_unlock(mutex)
    }

    private func work() {
        while let job = nextJob() { job() }
    }

    /// Returns nil after a while without a job; the thread is no longer counted then.
    private func nextJob(waits: Bool = true) -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        idle += 1
        defer { idle -= 1 }
        if waiting == 0, threads == idle { pthread_cond_broadcast(allDone) }
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Self.idleTime
        while waiting == 0 {
            if !waits || pthread_cond_timedwait(jobCame, mutex, &end) == ETIMEDOUT, waiting == 0 {
                threads -= 1
                return nil
            }
        }
        let job = queue[taken]
        taken += 1
        if taken == queue.count || taken > 1024 {
            queue.removeFirst(taken)
            taken = 0
        }
        return job
    }
}
