// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// What readers and openers want of a layer that is on its way, and who waits for which bytes.
///
/// A value without locks, clocks or I/O: it is told what happened and answers who is to be called. Whoever owns it calls
/// them after its lock is released.
struct WantList: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What has to be here for bytes of the uncompressed layer to be readable.
    enum Need: Sendable, Equatable {
        /// These chunks of the blob, in any order: an uncompressed layer.
        case chunks(Range<Int>)
        /// So many bytes of the uncompressed layer, placed from its start on: a compressed layer.
        case front(UInt64)
    }

    /// What is here, as far as is known.
    protocol Presence {
        func hasAll(_ chunks: Range<Int>) -> Bool
        /// Bytes of the uncompressed layer that are placed, from its start on.
        var placed: UInt64 { get }
    }

    private struct Entry: Sendable {
        let id: Layer.WaiterID
        let need: Need
        /// Of an uncompressed layer: the end of the chunks that will be wanted behind the need.
        let reach: Int
        let call: Layer.Waiter
    }

    enum Admission: Sendable {
        case waiting
        /// The same was refused a moment ago.
        case refused(StoreError)
        /// The transfer is over: its layer has become another matter.
        case closed
    }

    /// In the order in which they came.
    private var entries: [Entry] = []
    /// Chunks that readers will want next, while nobody waits for them.
    private(set) var ahead: [Range<Int>] = []
    /// Of a compressed layer: how far it is wanted, in the uncompressed layer.
    private(set) var frontGoal: UInt64 = 0
    private(set) var isWholeWanted = false
    private(set) var isClosed = false
    private var failures = RecentFailures()
    /// When anything of what is wanted last came on, here or in another process.
    private(set) var lastProgress: Instant

    init(at now: Instant) { lastProgress = now }

    var isWanted: Bool { isWholeWanted || !entries.isEmpty }
    var waiterCount: Int { entries.count }

    // MARK: Wanting

    /// Notes a waiter. `reach`: what will be wanted behind `need`, of which it is the beginning.
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

    /// Notes what will be wanted next. False where it was refused a moment ago, or the transfer is over.
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
            // What goes on where another ends is one with it: reading in order asks for one piece after the other.
            if let place = ahead.firstIndex(where: {
                $0.lowerBound <= chunks.lowerBound && chunks.lowerBound <= $0.upperBound
            }) {
                ahead[place] = ahead[place].lowerBound..<max(ahead[place].upperBound, chunks.upperBound)
            } else {
                ahead.append(chunks)
            }
        }
    }

    /// Whether all of the layer is wanted.
    mutating func setWholeWanted(_ isWanted: Bool, at now: Instant) {
        isWholeWanted = isWanted
        if isWanted { lastProgress = now }
    }

    /// Takes a waiter back; false if there is none of that name.
    mutating func cancel(_ id: Layer.WaiterID) -> Bool {
        let before = entries.count
        entries.removeAll { $0.id == id }
        return entries.count < before
    }

    /// Drops what was wanted ahead where nobody waits any more; true if so.
    mutating func dropIfUnwanted() -> Bool {
        guard !isWanted else { return false }
        ahead = []
        frontGoal = 0
        return true
    }

    // MARK: What comes

    /// Something of what is wanted has come on.
    mutating func noteProgress(at now: Instant) { lastProgress = max(lastProgress, now) }

    /// Time in which this process stood still is held against nobody.
    mutating func discount(_ pause: Duration, at now: Instant) { lastProgress = min(now, lastProgress + pause) }

    /// Those whose bytes are here: they wait no longer.
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

    /// Forgets what was wanted ahead and is here.
    mutating func dropPresent(_ presence: some Presence) { ahead.removeAll { presence.hasAll($0) } }

    /// Something cannot be had now: these chunks, or, with nil, anything. Who waits for it is to be told, as is who waits for
    /// the whole; others wait on. For as long as `memory` the answer to who asks again is the same.
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
        // What fails when nobody waits any more, or yet, is no answer to anyone.
        if wasWhole || !failed.isEmpty { failures.note(error, of: chunks, until: now + memory) }
        return (failed, wasWhole)
    }

    /// The transfer is over. Returns who still waits: they are to look again at what has become of the layer.
    mutating func close() -> [Layer.Waiter] {
        defer { (entries, ahead, frontGoal, isWholeWanted, isClosed) = ([], [], 0, false, true) }
        return entries.map(\.call)
    }

    // MARK: What to fetch

    /// Runs of chunks that waiters need, in the order in which they asked. Where few wait, a run goes on into what will be
    /// wanted behind it, by at most `extension` chunks: one request instead of two.
    func demanded(extension: Int) -> [Range<Int>] {
        let limit = entries.count <= Self.few ? `extension` : 0
        return entries.compactMap { entry in
            guard let chunks = entry.need.chunks, !chunks.isEmpty else { return nil }
            return chunks.lowerBound..<max(chunks.upperBound, min(entry.reach, chunks.upperBound + limit))
        }
    }

    private static let few = 4

    /// All chunks of the blob that somebody waits for or will want next.
    var wantedChunks: [Range<Int>] { entries.compactMap(\.need.chunks) + ahead }
}

extension WantList.Need {
    /// nil for a compressed layer: nobody knows which chunks bring its bytes.
    var chunks: Range<Int>? { if case .chunks(let chunks) = self { chunks } else { nil } }

    func isMet(_ presence: some WantList.Presence) -> Bool {
        switch self {
        case .chunks(let chunks): presence.hasAll(chunks)
        case .front(let end): presence.placed >= end
        }
    }
}
