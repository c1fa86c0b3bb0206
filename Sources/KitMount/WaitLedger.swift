// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import KitFileSystem
private import Synchronization

/// The operations that wait, and for which layers, for `status`. An entry is added before its wait begins and removed
/// just before the answer.
package final class WaitLedger: Sendable {
    /// The operation, as `status` names it.
    package enum Operation: String, Sendable, CaseIterable { case open, lookup, list, read, stat }

    struct Wait: Sendable {
        let operation: Operation
        /// By ordinal.
        let layers: Set<Int>
        /// Seconds since 1970.
        let since: Int64
        /// The thread that waits; 0 if it is not visible in this PID namespace.
        let caller: Int32
    }

    /// Operations of one kind that wait for a layer.
    package struct Summary: Sendable, Equatable {
        package let operation: Operation
        package fileprivate(set) var count: Int
        /// When the first of them began to wait; seconds since 1970.
        package fileprivate(set) var since: Int64
        /// Threads that wait: the lowest numbers, at most 16.
        package fileprivate(set) var callers: [Int32]
    }

    /// An entry, and when its operation first began to wait. An operation may wait several times.
    struct Entry: Sendable {
        fileprivate let id: UInt64
        let since: Int64
    }

    package init() {}

    /// Called after each removal, before the answer.
    private let onEnd = Mutex<(@Sendable () -> Void)?>(nil)
    private let state = Mutex<(waits: [UInt64: Wait], next: UInt64)>(([:], 0))

    /// `since`: of the operation's previous entry; nil for its first.
    func begin(_ operation: Operation, _ needs: [Need], caller: Int32, since: Int64?) -> Entry {
        let wait = Wait(
            operation: operation, layers: Set(needs.map(\.layer)), since: since ?? Int64(time(nil)), caller: caller)
        return state.withLock { state in
            state.next += 1
            state.waits[state.next] = wait
            return Entry(id: state.next, since: wait.since)
        }
    }

    /// Does nothing if the entry was removed before.
    func end(_ entry: Entry) {
        guard state.withLock({ $0.waits.removeValue(forKey: entry.id) }) != nil else { return }
        onEnd.withLock { $0 }?()
    }

    /// `body` is called after each wait's end and before its answer. It must not block.
    package func observeEnds(_ body: @escaping @Sendable () -> Void) { onEnd.withLock { $0 = body } }

    /// The operations that wait for each layer, by ordinal.
    package func byLayer() -> [Int: [Summary]] {
        var found: [Int: [Operation: Summary]] = [:]
        for wait in state.withLock({ Array($0.waits.values) }) {
            for layer in wait.layers { found[layer, default: [:]][wait.operation, default: .none(wait)].add(wait) }
        }
        return found.mapValues { $0.values.sorted { $0.operation.rawValue < $1.operation.rawValue } }
    }
}

extension WaitLedger.Summary {
    /// Further threads are counted but not named.
    private static let namedLimit = 16

    fileprivate static func none(_ wait: WaitLedger.Wait) -> Self {
        Self(operation: wait.operation, count: 0, since: wait.since, callers: [])
    }

    fileprivate mutating func add(_ wait: WaitLedger.Wait) {
        count += 1
        since = min(since, wait.since)
        guard wait.caller > 0, !callers.contains(wait.caller) else { return }
        // The lowest numbers are named, so that the text is stable while nothing changes.
        callers = Array((callers + [wait.caller]).sorted().prefix(Self.namedLimit))
    }
}
