// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// Many small files, in kitfs's cache.
extension Row {
    static let smallFiles = Row(
        "small-files", "100,000 small files: walked, opened, read; from disk", against: "the unpacked tree, local",
        .seconds, .ratio(atMost: 1.5)
    ) { ground in
        try walk(ground) { mount in
            try PageCache.dropAll()
            return try mount("").seconds
        }
    }

    static let smallFilesAgain = Row(
        "small-files-again", "the same, for the second time", against: "the unpacked tree, local", .seconds,
        .ratio(atMost: 1.5)
    ) { ground in
        try walk(ground) { mount in
            _ = try mount("")
            return try mount("").seconds
        }
    }

    private typealias Walk = (String) throws -> (seconds: Double, amount: Double)

    private static func walk(_ ground: Ground, _ measure: (Walk) throws -> Double) throws -> Runs {
        let kit = try ground.smallFiles
        let cache = try ground.place("cache")
        _ = try ground.run(["pull", "--cache", cache, kit.reference])
        let runs = try Runs.alternating(ground.rounds) {
            let mount = try MountedKit(ground, kit.reference, cache: cache)
            defer { try? mount.unmount() }
            return try measure { try mount.read(.walk, "data" + $0) }
        } peer: {
            try measure { try ground.read(.walk, kit.local + "/data" + $0) }
        }
        try ground.remove(cache)
        return runs
    }
}
