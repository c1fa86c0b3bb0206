// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport

@testable import LayerCache
@testable import LayerStore

/// One random schedule of two simulated processes that fetch a layer. Everything runs on the thread that calls `run`:
/// between two steps of one process, jobs of the other run, nested.
final class FetchSchedule: @unchecked Sendable {
    // SAFETY: touched by one thread; `Sendable` is what the engine's protocols ask for.
    let disk: SimulatedDisk
    private(set) var problems: [String] = []
    private var random: SplitMix64
    private var processes: [SimulatedProcess] = []
    private var jobs: [(process: Int, run: @Sendable () -> Void)] = []
    /// Processes in the middle of a claim. They hold their locks.
    private var claiming: [Int] = []
    private var depth = 0
    private var canFail = true
    private let canIgnoreRanges: Bool
    private let forgetsNews: Bool
    private(set) var now = ContinuousClock.now

    init(seed: UInt64, forgetsNews: Bool = false) throws {
        random = SplitMix64(seed: seed)
        self.forgetsNews = forgetsNews
        canIgnoreRanges = seed % 5 == 0
        disk = SimulatedDisk(chunkCount: 1 + Int(seed % 20))
        for _ in 0..<2 { try startProcess() }
    }

    private func startProcess() throws {
        let process = try SimulatedProcess(number: processes.count, schedule: self, forgetsNews: forgetsNews)
        processes.append(process)
    }

    func report(_ problem: String) { problems.append(problem) }

    // MARK: Steps

    /// Between two steps of a process, any step of the other may run, and outside of a claim also another step of the
    /// same process.
    func pause(in process: Int) {
        guard depth < 6, random.next() % 3 == 0 else { return }
        depth += 1
        defer { depth -= 1 }
        if canFail, random.next() % 4 == 0 { act() } else { runJob() }
    }

    func claimStep<Result>(_ process: Int, _ step: () -> Result) -> Result {
        claiming.append(process)
        pause(in: process)
        let result = step()
        pause(in: process)
        claiming.removeLast()
        return result
    }

    func submit(_ process: Int, _ job: @escaping @Sendable () -> Void) { jobs.append((process, job)) }

    @discardableResult
    private func runJob() -> Bool {
        let due = jobs.indices.filter { !claiming.contains(jobs[$0].process) }
        guard !due.isEmpty else { return false }
        let job = jobs.remove(at: random.pick(due))
        if processes[job.process].isAlive { job.run() }
        return true
    }

    /// The error that ends a request before its next chunk; nil if the request goes on.
    func requestFailure(startsAt first: Int) -> (any Error)? {
        guard canFail else { return nil }
        if canIgnoreRanges, first > 0, random.next() % 6 == 0 { return RangesIgnored() }
        return random.next() % 12 == 0 ? SourceError.unreachable("as it was told to") : nil
    }

    func isInClaim(_ process: Int) -> Bool { claiming.contains(process) }

    private func someRun() -> Range<Int> {
        let first = Int.random(in: 0..<disk.chunkCount, using: &random)
        return first..<Int.random(in: first + 1...disk.chunkCount, using: &random)
    }

    private func act() {
        let candidates = processes.filter { $0.isAlive && !claiming.contains($0.number) }
        guard !candidates.isEmpty else { return }
        let process = random.pick(candidates)
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3: process.want(someRun(), ahead: Int.random(in: 0..<6, using: &random))
        case 4: process.cancel(random.next())
        case 5: process.readAhead(someRun())
        case 6: process.wantWhole(random.next() % 3 != 0)
        case 7...10: process.tick()
        default:
            // Kills the process, which drops its locks, and starts another in its place. A process that is on the stack
            // cannot be killed.
            guard depth == 0, random.next() % 4 == 0 else { return }
            process.isAlive = false
            disk.dropClaims(of: process.number)
            // A process that cannot be started is a failure of the test itself.
            do { try startProcess() } catch { report("\(error)") }
        }
    }

    // MARK: The schedule

    func run() {
        for _ in 0..<30 {
            now += .milliseconds(Int.random(in: 0...40, using: &random))
            if random.next() % 2 == 0 { act() } else { runJob() }
        }
        // From now on there are no new wants and no failures, so every want must be met.
        canFail = false
        for _ in 0..<200 {
            now += .milliseconds(600)
            while runJob() {}
            for process in processes where process.isAlive { process.tick() }
            if jobs.isEmpty, processes.allSatisfy({ !$0.isAlive || $0.isSatisfied }) { break }
        }
        for process in processes where process.isAlive { process.check() }
        if disk.hasClaims(of: processes.map(\.number)) { report("a claim is left behind") }
    }
}

/// What all processes share: marks, claims, and which chunks were really written.
final class SimulatedDisk: @unchecked Sendable {
    // SAFETY: as for FetchSchedule.
    let chunkCount: Int
    var marks: [UInt8]
    var owners: [Int?]
    var isWritten: [Bool]

    init(chunkCount: Int) {
        self.chunkCount = chunkCount
        marks = [UInt8](repeating: 0, count: chunkCount)
        owners = [Int?](repeating: nil, count: chunkCount)
        isWritten = [Bool](repeating: false, count: chunkCount)
    }

    func dropClaims(of process: Int) { owners = owners.map { $0 == process ? nil : $0 } }
    func hasClaims(of processes: [Int]) -> Bool { owners.contains { $0.map(processes.contains) ?? false } }
}
