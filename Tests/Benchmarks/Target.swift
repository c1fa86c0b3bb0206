// SPDX-License-Identifier: Apache-2.0

/// What a row is to reach, of its ratio to the peer or, where there is no peer, of its value.
struct Target: Codable, Sendable {
    enum Relation: String, Codable { case atLeast, atMost }

    let relation: Relation
    let limit: Double
    let isOfRatio: Bool

    static func ratio(atLeast limit: Double) -> Target { Target(relation: .atLeast, limit: limit, isOfRatio: true) }
    static func ratio(atMost limit: Double) -> Target { Target(relation: .atMost, limit: limit, isOfRatio: true) }
    static func value(atMost limit: Double) -> Target { Target(relation: .atMost, limit: limit, isOfRatio: false) }

    /// How many times better than the limit: 1 just meets it.
    func reached(_ value: Double) -> Double { relation == .atLeast ? value / limit : limit / value }
}
