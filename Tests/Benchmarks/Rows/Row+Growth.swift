// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// How cost grows with the number of entries.
extension Row {
    static func growth(_ scale: Scale) -> [Row] {
        scale.entries.flatMap { count in
            [
                Row("list-\(count)", "first listing of \(count) entries", .seconds) {
                    try listings($0, count, \.first)
                },
                Row("list-again-\(count)", "listing of \(count) entries, by the next mount", .seconds) {
                    try listings($0, count, \.again)
                },
                Row("memory-\(count)", "anonymous memory after the first listing of \(count) entries", .bytes) {
                    try listings($0, count, \.firstMemory)
                },
                Row("memory-again-\(count)", "anonymous memory of the next mount, \(count) entries listed", .bytes) {
                    try listings($0, count, \.memory)
                },
            ]
        }
    }

    static let entryMemory = Row(
        "memory-entry", "anonymous memory for each entry of a large listing", .bytes, .value(atMost: 100)
    ) { ground in
        guard let few = ground.scale.entries.first, let many = ground.scale.entries.last else { return Runs() }
        let memory = try [few, many].compactMap { median(try ground.listings(of: $0).map(\.memory)) }
        guard memory.count == 2 else { return Runs() }
        return Runs(kitfs: [(memory[1] - memory[0]) / Double(many - few)])
    }

    private static func listings(
        _ ground: Ground, _ count: Int, _ value: KeyPath<Listing, Double>
    ) throws -> Runs {
        Runs(kitfs: try ground.listings(of: count).map { $0[keyPath: value] })
    }
}

/// The cost of listing a kit.
struct Listing {
    /// Seconds to list it with an empty cache, and bytes of anonymous memory after that.
    let first: Double
    let firstMemory: Double
    /// The same for a second mount, with the cache that the first one filled.
    let again: Double
    let memory: Double
}

extension Ground {
    /// Measured once, for all rows that report it.
    func listings(of count: Int) throws -> [Listing] {
        if let known = knownListings[count] { return known }
        let kit = try kit("\(count) entries") { try $0.entries(count, size: 1) }
        let measured = try (0..<fewRounds).map { _ in try listing(kit, count) }
        knownListings[count] = measured
        return measured
    }

    /// The number of rounds for slow rows.
    var fewRounds: Int { (rounds + 1) / 2 }

    private func listing(_ kit: MadeKit, _ count: Int) throws -> Listing {
        let cache = try place("cache")
        let (first, firstMemory) = try list(try MountedKit(self, kit.reference, cache: cache), count)
        let (again, memory) = try list(try MountedKit(self, kit.reference, cache: cache), count)
        try remove(cache)
        return Listing(first: first, firstMemory: firstMemory, again: again, memory: memory)
    }

    private func list(_ mount: MountedKit, _ count: Int) throws -> (seconds: Double, memory: Double) {
        let (seconds, found) = try mount.read(.list, "data")
        guard Int(found) == count else { throw TestSupportError("\(found) entries instead of \(count)") }
        usleep(500_000)
        let memory = try Row.anonymousMemory(of: mount.process())
        try mount.unmount()
        return (seconds, memory)
    }
}
