// SPDX-License-Identifier: Apache-2.0

/// The limit for a row's ratio to its peer or, without a peer, for its value.
struct Target: Codable, Sendable {
    enum Relation: String, Codable { case atLeast, atMost }

    let relation: Relation
    let limit: Double
    let isOfRatio: Bool

    static func ratio(atLeast limit: Double) -> Target { Target(relation: .atLeast, limit: limit, isOfRatio: true) }
    static func ratio(atMost limit: Double) -> Target { Target(relation: .atMost, limit: limit, isOfRatio: true) }
    static func value(atMost limit: Double) -> Target { Target(relation: .atMost, limit: limit, isOfRatio: false) }

    /// How many times better than the limit a value is. At 1 it just meets the limit.
    func reached(_ value: Double) -> Double { relation == .atLeast ? value / limit : limit / value }
}
