// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// The waiters for one thing, by ID.
struct Waiters: Sendable {
    private var all: [Layer.WaiterID: Layer.Waiter] = [:]

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }

    mutating func add(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) { all[id] = waiter }

    /// Returns false if there is no waiter with this ID.
    mutating func remove(_ id: Layer.WaiterID) -> Bool { all.removeValue(forKey: id) != nil }

    /// Removes and returns all waiters. They must be called without a lock.
    mutating func takeAll() -> [Layer.Waiter] {
        defer { all = [:] }
        return Array(all.values)
    }
}

extension [Layer.Waiter] {
    func callAsFunction(_ error: StoreError?) { for waiter in self { waiter(error) } }
}
