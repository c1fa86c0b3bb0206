// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// Those who wait for one thing, by the names with which they are taken back.
struct Waiters: Sendable {
    private var all: [Layer.WaiterID: Layer.Waiter] = [:]

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }

    mutating func add(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) { all[id] = waiter }

    /// False if there is none of that name.
    mutating func remove(_ id: Layer.WaiterID) -> Bool { all.removeValue(forKey: id) != nil }

    /// All of them, who wait no longer: to be called without a lock.
    mutating func takeAll() -> [Layer.Waiter] {
        defer { all = [:] }
        return Array(all.values)
    }
}

extension [Layer.Waiter] {
    func callAsFunction(_ error: StoreError?) { for waiter in self { waiter(error) } }
}
