// SPDX-License-Identifier: Apache-2.0

/// A line of the table.
struct RowResult: Codable, Sendable {
    let row: String
    let work: String
    /// What kitfs is measured against; nil for a row without a comparison.
    let peer: String?
    let quantity: Quantity
    let target: Target?
    /// All runs, in order. The runs of the two sides at one index were next to each other.
    private(set) var kitfsRuns: [Double] = []
    private(set) var peerRuns: [Double] = []
    /// Medians.
    private(set) var kitfs: Double?
    private(set) var peerValue: Double?
    /// The median of the ratios of neighbouring runs. What slows the machine for a while slows both runs of a pair.
    private(set) var ratio: Double?
    private(set) var isMet: Bool?
    /// The reason why nothing was measured.
    private(set) var missing: String?
    /// The load average of the last minute at the row's end. The bench itself accounts for a little more than 1.
    private(set) var load = Machine.load.first ?? 0

    init(_ row: Row, _ runs: Runs) {
        self.init(row)
        (kitfsRuns, peerRuns) = (runs.kitfs, runs.peer)
        kitfs = median(kitfsRuns)
        peerValue = median(peerRuns)
        ratio = median(zip(kitfsRuns, peerRuns).map { $0 / $1 })
        guard let target, let value = target.isOfRatio ? ratio : kitfs else { return }
        isMet = target.reached(value) >= 1
    }

    init(_ row: Row, missing: String) {
        self.init(row)
        self.missing = missing
    }

    private init(_ row: Row) {
        (self.row, work, peer, quantity, target) = (row.name, row.work, row.peer, row.quantity, row.target)
    }

    /// How many times better than the target the value is.
    var reached: Double? {
        guard let target, let value = target.isOfRatio ? ratio : kitfs else { return nil }
        return target.reached(value)
    }

    var targetText: String {
        guard let target else { return "" }
        let limit = target.isOfRatio ? Quantity.short(target.limit) : quantity.text(target.limit)
        return (target.relation == .atLeast ? "≥ " : "≤ ") + limit
    }
}

/// The middle value, or the mean of the two middle ones. nil if there are no values or one is not finite.
func median(_ values: [Double]) -> Double? {
    let sorted = values.sorted()
    guard !sorted.isEmpty, sorted.allSatisfy(\.isFinite) else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
