// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// What readers and openers want of a layer that is being fetched, and who waits for which bytes.
///
/// A value without locks, clocks or I/O. It is told what happened, and returns the waiters to call. The owner calls
/// them after it has released its lock.
struct WantList: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What must be present for bytes of the uncompressed layer to be readable.
    enum Need: Sendable, Equatable {
        /// An uncompressed layer: these chunks of the blob, in any order.
        case chunks(Range<Int>)
        /// A compressed layer: this many bytes of the uncompressed layer, placed from its start.
        case front(UInt64)
    }

    /// What is known to be present.
    protocol Presence {
        func hasAll(_ chunks: Range<Int>) -> Bool
        /// Bytes of the uncompressed layer that are placed from its start.
        var placed: UInt64 { get }
    }

    private struct Entry: Sendable {
        let id: Layer.WaiterID
        let need: Need
        /// For an uncompressed layer: the end of the chunks after the need that will be wanted next.
        let reach: Int
        let call: Layer.Waiter
    }

    enum Admission: Sendable {
        case waiting
        /// The same chunks failed a moment ago.
        case refused(StoreError)
        /// The transfer has ended. The caller should look again at the layer.
        case closed
    }

    /// Waiters in the order of arrival.
    private var entries: [Entry] = []
    /// Chunks that readers will want next, although nobody waits for them.
    private(set) var ahead: [Range<Int>] = []
    /// For a compressed layer: the end of the wanted bytes in the uncompressed layer.
    private(set) var frontGoal: UInt64 = 0
    private(set) var isWholeWanted = false
    private(set) var isClosed = false
    private var failures = RecentFailures()
    /// The time of the last progress of anything wanted, here or in another process.
    private(set) var lastProgress: Instant

    init(at now: Instant) { lastProgress = now }

    var isWanted: Bool { isWholeWanted || !entries.isEmpty }
    var waiterCount: Int { entries.count }

    // MARK: Wanting

    /// Adds a waiter. `reach`: starts with `need`, and goes on with what will be wanted next.
    mutating func add(
        _ id: Layer.WaiterID, _ need: Need, reach: Need, at now: Instant, _ call: @escaping Layer.Waiter
    ) -> Admission {
        if isClosed { return .closed }
        if let error = failures.error(of: need.chunks, at: now) { return .refused(error) }
        if entries.isEmpty { lastProgress = now }
        entries.append(Entry(id: id, need: need, reach: reach.chunks?.upperBound ?? 0, call: call))
        want(reach)
        return .waiting
    }

    /// Notes what will be wanted next. Returns false if it failed a moment ago, or if the transfer has ended.
    mutating func addAhead(_ need: Need, at now: Instant) -> Bool {
        guard !isClosed, failures.error(of: need.chunks, at: now) == nil else { return false }
        want(need)
        return true
    }

    private mutating func want(_ need: Need) {
        switch need {
        case .front(let end): frontGoal = max(frontGoal, end)
        case .chunks(let chunks):
            guard !chunks.isEmpty else { return }
            // Adjacent ranges are merged: sequential reading asks for one piece after the other.
            if let place = ahead.firstIndex(where: {
                $0.lowerBound <= chunks.lowerBound && chunks.lowerBound <= $0.upperBound
            }) {
                ahead[place] = ahead[place].lowerBound..<max(ahead[place].upperBound, chunks.upperBound)
            } else {
                ahead.append(chunks)
            }
        }
    }

    /// Notes whether the whole layer is wanted.
    mutating func setWholeWanted(_ isWanted: Bool, at now: Instant) {
        isWholeWanted = isWanted
        if isWanted { lastProgress = now }
    }

    /// Removes a waiter. Returns false if there is none with this ID.
    mutating func cancel(_ id: Layer.WaiterID) -> Bool {
        let before = entries.count
        entries.removeAll { $0.id == id }
        return entries.count < before
    }

    /// If nobody waits any more, drops what was wanted ahead and returns true.
    mutating func dropIfUnwanted() -> Bool {
        guard !isWanted else { return false }
        ahead = []
        frontGoal = 0
        return true
    }

    // MARK: Progress

    /// Notes progress of something wanted.
    mutating func noteProgress(at now: Instant) { lastProgress = max(lastProgress, now) }

    /// Does not count the time in which this process stood still as time without progress.
    mutating func discount(_ pause: Duration, at now: Instant) { lastProgress = min(now, lastProgress + pause) }

    /// Removes and returns the waiters whose bytes are present.
    mutating func takeReady(_ presence: some Presence) -> [Layer.Waiter] {
        if entries.isEmpty { return [] }
        var ready: [Layer.Waiter] = []
        entries.removeAll { entry in
            guard entry.need.isMet(presence) else { return false }
            ready.append(entry.call)
            return true
        }
        return ready
    }

    /// Drops ranges ahead that are present.
    mutating func dropPresent(_ presence: some Presence) { ahead.removeAll { presence.hasAll($0) } }

    /// Notes that these chunks cannot be had now; with nil, that nothing can. Removes and returns the waiters to be
    /// told, and says whether the whole layer was wanted. Other waiters wait on. For as long as `memory`, a new request
    /// for the same chunks is refused with the same error.
    mutating func fail(
        _ error: StoreError, of chunks: Range<Int>?, at now: Instant, memory: Duration
    ) -> (waiters: [Layer.Waiter], wasWhole: Bool) {
        if isClosed { return ([], false) }
        let wasWhole = isWholeWanted
        var failed: [Layer.Waiter] = []
        entries.removeAll { entry in
            if let chunks, let need = entry.need.chunks, !need.overlaps(chunks) { return false }
            failed.append(entry.call)
            return true
        }
        ahead = chunks.map { chunks in ahead.flatMap { $0.without(chunks) } } ?? []
        frontGoal = 0
        isWholeWanted = false
        // A failure without waiters is not remembered: it answered nobody.
        if wasWhole || !failed.isEmpty { failures.note(error, of: chunks, until: now + memory) }
        return (failed, wasWhole)
    }

    /// Closes the list when the transfer ends. Returns the remaining waiters, which should look again at the layer.
    mutating func close() -> [Layer.Waiter] {
        defer { (entries, ahead, frontGoal, isWholeWanted, isClosed) = ([], [], 0, false, true) }
        return entries.map(\.call)
    }

    // MARK: What to fetch

    /// Runs of chunks that waiters need, in the order of arrival. If there are few waiters, a run is extended into what
    /// will be wanted next, by at most `extension` chunks: one request instead of two.
    func demanded(extension: Int) -> [Range<Int>] {
        let limit = entries.count <= Self.few ? `extension` : 0
        return entries.compactMap { entry in
            guard let chunks = entry.need.chunks, !chunks.isEmpty else { return nil }
            return chunks.lowerBound..<max(chunks.upperBound, min(entry.reach, chunks.upperBound + limit))
        }
    }

    private static let few = 4

    /// All chunks of the blob that are waited for, or will be wanted next.
    var wantedChunks: [Range<Int>] { entries.compactMap(\.need.chunks) + ahead }
}

extension WantList.Need {
    /// nil for a compressed layer, since it is unknown which chunks contain the bytes.
    var chunks: Range<Int>? { if case .chunks(let chunks) = self { chunks } else { nil } }

    func isMet(_ presence: some WantList.Presence) -> Bool {
        switch self {
        case .chunks(let chunks): presence.hasAll(chunks)
        case .front(let end): presence.placed >= end
        }
    }
}
