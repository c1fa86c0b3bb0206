// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

extension Row {
    static let pageCache = Row(
        "page-cache", "memory that a 1 GiB file takes in the page cache, read through two mounts, as root",
        against: "the size of the file", .bytes, .ratio(atMost: 1.1)
    ) { ground in
        let kit = try ground.weights
        let cache = try ground.place("cache")
        let mounts = try (0..<2).map { _ in try MountedKit(ground, kit.reference, cache: cache, isPulled: true) }
        let runs = try Runs.alternating(ground.rounds) {
            for mount in mounts { try mount.drop("weights.bin") }
            let before = try PageCache.size
            for mount in mounts { _ = try mount.read(.sequential, "weights.bin") }
            return try PageCache.size - before
        } peer: {
            Double(ground.scale.weights)
        }
        for mount in mounts { try mount.unmount() }
        try ground.remove(cache)
        return runs
    }

    static let streamingMemory = Row(
        "memory-streaming", "most anonymous memory while 10 GiB are streamed", .bytes,
        .value(atMost: Double(48 << 20))
    ) { ground in
        let kit = try ground.huge
        return try .alone(1) {
            let mount = try MountedKit(ground, kit.reference, ["--verify", "while-streaming"])
            let process = try mount.process()
            let reader = try BackgroundProcess(ground.bench, ["read", "sequential", mount.path + "/huge.bin"])
            var most = 0.0
            while reader.isRunning {
                most = max(most, try anonymousMemory(of: process))
                usleep(20_000)
            }
            guard reader.waitForExit(timeout: 1) == 0 else { throw TestSupportError(reader.errorOutput) }
            try mount.discard()
            return most
        }
    }

    static let idleMemory = Row(
        "memory-idle", "anonymous memory of an idle mount", .bytes, .value(atMost: Double(24 << 20))
    ) { ground in
        let kit = try ground.dataset
        return try .alone(ground.rounds) {
            let mount = try MountedKit(ground, kit.reference)
            _ = try mount.read(.list)
            sleep(1)
            let memory = try anonymousMemory(of: mount.process())
            try mount.discard()
            return memory
        }
    }

    static let entryMemory = Row(
        "memory-entry", "anonymous memory for each entry of a large listing", .bytes, .value(atMost: 100)
    ) { ground in
        guard let few = ground.scale.entries.first, let many = ground.scale.entries.last else { return Runs() }
        return try .alone(1) {
            let memory = try [few, many].map { try ground.listing(of: $0).memory }
            return (memory[1] - memory[0]) / Double(many - few)
        }
    }

    static func anonymousMemory(of process: Int32) throws -> Double {
        try PageCache.field("RssAnon", of: "/proc/\(process)/status")
    }
}
