// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Open items by handle. Handles are reused.
final class HandleTable<Item: Sendable>: Sendable {
    private struct State: Sendable {
        var items: [Item?] = []
        var free: [Int] = []
    }

    private let state = Mutex(State())

    func insert(_ item: Item) -> UInt64 {
        state.withLock { state in
            if let number = state.free.popLast() {
                state.items[number] = item
                return UInt64(number)
            }
            state.items.append(item)
            return UInt64(state.items.count - 1)
        }
    }

    subscript(handle: UInt64) -> Item? {
        state.withLock { handle < UInt64($0.items.count) ? $0.items[Int(handle)] : nil }
    }

    func remove(_ handle: UInt64) {
        // The item is released outside of the lock.
        let item = state.withLock { state -> Item? in
            guard handle < UInt64(state.items.count), let item = state.items[Int(handle)] else { return nil }
            state.items[Int(handle)] = nil
            state.free.append(Int(handle))
            return item
        }
        _ = consume item
    }
}
