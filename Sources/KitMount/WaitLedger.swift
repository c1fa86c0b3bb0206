// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import KitFileSystem
private import Synchronization

/// Operations of the mount that wait, and for which layers: what `status` tells. Each entry is made before its wait
/// begins, and goes with its answer, whoever gives it.
package final class WaitLedger: Sendable {
    /// What was asked of the mount, in the words of who reads `status`.
    package enum Operation: String, Sendable, CaseIterable { case open, lookup, list, read, stat }

    struct Wait: Sendable {
        let operation: Operation
        /// By their ordinals.
        let layers: Set<Int>
        /// Seconds since 1970.
        let since: Int64
        /// The thread that waits; 0 if it has no number here.
        let caller: Int32
    }

    /// Operations of one kind that wait for a layer.
    package struct Summary: Sendable, Equatable {
        package let operation: Operation
        package fileprivate(set) var count: Int
        /// When the first of them began to wait; seconds since 1970.
        package fileprivate(set) var since: Int64
        /// Threads that wait, as far as they are to be named.
        package fileprivate(set) var callers: [Int32]
    }

    /// An entry, and when its operation began to wait: an operation may wait for one thing after the other.
    struct Entry: Sendable {
        fileprivate let id: UInt64
        let since: Int64
    }

    package init() {}

    /// Called after each end, before the one who waited knows of it.
    private let onEnd = Mutex<(@Sendable () -> Void)?>(nil)
    private let state = Mutex<(waits: [UInt64: Wait], next: UInt64)>(([:], 0))

    /// `since`: that of the entry before, of an operation that has waited already.
    func begin(_ operation: Operation, _ needs: [Need], caller: Int32, since: Int64?) -> Entry {
        let wait = Wait(
            operation: operation, layers: Set(needs.map(\.layer)), since: since ?? Int64(time(nil)), caller: caller)
        return state.withLock { state in
            state.next += 1
            state.waits[state.next] = wait
            return Entry(id: state.next, since: wait.since)
        }
    }

    /// Also for one that has ended already.
    func end(_ entry: Entry) {
        guard state.withLock({ $0.waits.removeValue(forKey: entry.id) }) != nil else { return }
        onEnd.withLock { $0 }?()
    }

    /// `body` is called after each wait's end and, unless a signal ended it, before its answer. It must not block.
    package func observeEnds(_ body: @escaping @Sendable () -> Void) { onEnd.withLock { $0 = body } }

    /// What waits for each layer, by operation.
    package func byLayer() -> [Int: [Summary]] {
        var found: [Int: [Operation: Summary]] = [:]
        for wait in state.withLock({ Array($0.waits.values) }) {
            for layer in wait.layers { found[layer, default: [:]][wait.operation, default: .none(wait)].add(wait) }
        }
        return found.mapValues { $0.values.sorted { $0.operation.rawValue < $1.operation.rawValue } }
    }
}

extension WaitLedger.Summary {
    /// More are counted, but not named.
    private static let namedLimit = 16

    fileprivate static func none(_ wait: WaitLedger.Wait) -> Self {
        Self(operation: wait.operation, count: 0, since: wait.since, callers: [])
    }

    fileprivate mutating func add(_ wait: WaitLedger.Wait) {
        count += 1
        since = min(since, wait.since)
        guard wait.caller > 0, !callers.contains(wait.caller) else { return }
        // The lowest, so that who is named does not change while nothing does.
        callers = Array((callers + [wait.caller]).sorted().prefix(Self.namedLimit))
    }
}
