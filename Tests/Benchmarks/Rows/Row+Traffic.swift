// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// Bytes that are transferred, from the registry's log.
extension Row {
    static let oneOfMany = Row(
        "one-of-64", "fetched for 1 of 64 files of a dataset, while-streaming", against: "the size of that file",
        .bytes, .ratio(atMost: 1.1)
    ) { ground in
        let kit = try ground.dataset
        return try .alternating(ground.rounds) {
            try kit.registry.resetRequests()
            let mount = try MountedKit(ground, kit.reference, ["--verify", "while-streaming"])
            _ = try mount.read(.sequential, "data/part-37.bin")
            let moved = try kit.registry.bytesMoved(blob: kit.hex)
            try mount.discard()
            return Double(moved)
        } peer: {
            Double(ground.scale.datasetFile)
        }
    }

    static let eightAtOnce = Row(
        "eight-at-once", "fetched for 8 readers of 8 mounts of a kit at once", against: "the kit's bytes",
        .bytes, .ratio(atMost: 1.02)
    ) { ground in
        let kit = try ground.weights
        return try .alternating(ground.rounds) {
            try kit.registry.resetRequests()
            let cache = try ground.place("cache")
            let mounts = try (0..<8).map { _ in try MountedKit(ground, kit.reference, cache: cache) }
            let readers = try mounts.map { mount in
                try BackgroundProcess(ground.bench, ["read", "sequential", mount.path + "/weights.bin"])
            }
            for reader in readers where reader.waitForExit(timeout: 600) != 0 {
                throw TestSupportError("a reader failed: \(reader.errorOutput)")
            }
            let moved = try kit.registry.bytesMoved(blob: kit.hex)
            for mount in mounts { try mount.unmount() }
            try ground.remove(cache)
            return Double(moved)
        } peer: {
            Double(kit.size)
        }
    }
}
