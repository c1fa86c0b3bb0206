// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// With an empty cache, from a registry on loopback.
extension Row {
    static let firstMiB = Row(
        "first-mib", "first MiB of a 1 GiB file, listed before, while-streaming", against: "ratarmount", .seconds,
        .ratio(atMost: 0.5)
    ) { ground in
        let kit = try ground.weights
        return try .alternating(ground.rounds) {
            let mount = try MountedKit(ground, kit.reference, ["--verify", "while-streaming"])
            _ = try mount.read(.list)
            let seconds = try mount.read(.first, "weights.bin").seconds
            try mount.discard()
            return seconds
        } peer: {
            let mount = try Ratarmount(ground, kit)
            defer { try? mount.unmount() }
            _ = try mount.read(.list)
            return try mount.read(.first, "weights.bin").seconds
        }
    }

    static let coldVerified = Row(
        "cold-verified", "1 GiB cold through the mount, before-read", against: "curl to a file, then sha256sum",
        .seconds, .ratio(atMost: 0.8)
    ) { ground in
        let kit = try ground.weights
        return try .alternating(ground.rounds) {
            try readCold(ground, kit, "weights.bin")
        } peer: {
            let file = try ground.place("curl") + "/blob"
            ground.settle()
            let seconds =
                try ground.download(kit, to: file)
                + ground.time(ground.peers.program("sha256sum"), [file])
            try ground.remove(file)
            return seconds
        }
    }

    static let coldStreaming = Row(
        "cold-streaming", "1 GiB cold through the mount, while-streaming", against: "ratarmount over HTTP",
        .bytesPerSecond, .ratio(atLeast: 3)
    ) { ground in
        let kit = try ground.weights
        return try .alternating(ground.rounds) {
            Double(ground.scale.weights)
                / (try readCold(ground, kit, "weights.bin", ["--verify", "while-streaming"]))
        } peer: {
            let mount = try Ratarmount(ground, kit)
            defer { try? mount.unmount() }
            let (seconds, bytes) = try mount.read(.sequential, "weights.bin")
            return bytes / seconds
        }
    }

    static let coldGzip = Row(
        "cold-gzip", "1 GiB in a gzip layer, cold through the mount, before-read",
        against: "curl to a file, then igzip -d to a file", .seconds, .ratio(atMost: 0.9)
    ) { ground in
        let kit = try ground.text
        return try .alternating(ground.rounds) {
            try readCold(ground, kit, "table.csv")
        } peer: {
            let place = try ground.place("curl")
            let igzip = try ground.peers.program("igzip")
            ground.settle()
            let seconds =
                try ground.download(kit, to: place + "/blob.gz")
                + ground.time(igzip, ["-d", "-o", place + "/blob", place + "/blob.gz"])
            try ground.remove(place)
            return seconds
        }
    }

    static let pull = Row(
        "pull", "kitfs pull of 1 GiB", against: "skopeo copy to an OCI layout", .seconds
    ) { ground in
        let kit = try ground.weights
        return try .alternating(ground.rounds) {
            let cache = try ground.place("cache")
            ground.settle()
            let seconds = try ground.run(["pull", "--cache", cache, kit.reference])
            try ground.remove(cache)
            return seconds
        } peer: {
            let place = try ground.place("skopeo")
            ground.settle()
            let seconds = try ground.time(
                ground.peers.program("skopeo"),
                [
                    "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "docker://\(kit.reference)",
                    "oci:\(place):v1",
                ])
            try ground.remove(place)
            return seconds
        }
    }

    private static func readCold(
        _ ground: Ground, _ kit: MadeKit, _ file: String, _ options: [String] = []
    ) throws -> Double {
        let mount = try MountedKit(ground, kit.reference, options)
        ground.settle()
        let (seconds, bytes) = try mount.read(.sequential, file)
        guard Int(bytes) == ground.scale.weights else { throw TestSupportError("\(file) has \(bytes) bytes") }
        try mount.discard()
        return seconds
    }
}

extension Ground {
    /// - Returns: seconds.
    func download(_ kit: MadeKit, from host: String? = nil, to file: String) throws -> Double {
        try time(peers.program("curl"), ["-sSf", "-o", file, kit.url(at: host)])
    }
}
