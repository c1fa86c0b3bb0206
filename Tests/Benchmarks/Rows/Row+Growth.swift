// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// How cost grows with the number of entries.
extension Row {
    static func growth(_ scale: Scale) -> [Row] {
        scale.entries.flatMap { listings(of: $0) }
    }

    private static func listings(of count: Int) -> [Row] {
        [
            Row("list-\(count)", "first listing of \(count) entries", .seconds) { ground in
                try .alone(ground.fewRounds) { try ground.listing(of: count).first }
            },
            Row("list-again-\(count)", "listing of \(count) entries, by the next mount", .seconds) { ground in
                try .alone(ground.fewRounds) { try ground.listing(of: count).again }
            },
            Row("memory-\(count)", "anonymous memory with \(count) entries listed", .bytes) { ground in
                try .alone(ground.fewRounds) { try ground.listing(of: count).memory }
            },
        ]
    }
}

/// What it takes to list a kit.
struct Listing {
    /// Seconds, with an empty cache.
    let first: Double
    /// Seconds, in another mount, with what the first one has cached.
    let again: Double
    /// Bytes of anonymous memory of the second mount's process.
    let memory: Double
}

extension Ground {
    var fewRounds: Int { (rounds + 1) / 2 }

    func listing(of count: Int) throws -> Listing {
        let kit = try kit("\(count) entries") { try $0.entries(count, size: 1) }
        let mount = try MountedKit(self, kit.reference)
        let first = try list(mount, count)
        try mount.unmount()
        let second = try MountedKit(self, kit.reference, cache: mount.cache)
        let again = try list(second, count)
        usleep(500_000)
        let memory = try Row.anonymousMemory(of: second.process())
        try second.discard()
        return Listing(first: first, again: again, memory: memory)
    }

    private func list(_ mount: MountedKit, _ count: Int) throws -> Double {
        let (seconds, found) = try mount.read(.list, "data")
        guard Int(found) == count else { throw TestSupportError("\(found) entries instead of \(count)") }
        return seconds
    }
}
