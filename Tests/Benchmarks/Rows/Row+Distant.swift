// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A registry behind a line of 100 MB/s with a round trip of some milliseconds.
extension Row {
    static let distant: [Row] =
        [0, 10, 100].flatMap { delay in [1, 4, 16].map { rate(delay: delay, ranges: $0) } }
        + [distantStream, distantList, distantStoreList]

    private static let width = 100_000_000

    private static func rate(delay: Int, ranges: Int) -> Row {
        Row(
            "line-\(delay)ms-\(ranges)", "cold over 100 MB/s, \(delay) ms away, \(ranges) at a time",
            against: "curl over that line", .bytesPerSecond
        ) {
            try rate($0, delay: delay, ["--concurrency", "\(ranges)"])
        }
    }

    private static let distantStream = Row(
        "line-100ms-streaming", "cold over 100 MB/s, 100 ms away, while-streaming", against: "curl over that line",
        .bytesPerSecond
    ) {
        try rate($0, delay: 100, ["--verify", "while-streaming"])
    }

    private static func rate(_ ground: Ground, delay: Int, _ options: [String]) throws -> Runs {
        let kit = try ground.distant
        let proxy = try DelayProxy(
            upstreamPort: kit.registry.port, roundTrip: Double(delay) / 1000, bytesPerSecond: width)
        defer { proxy.stop() }
        return try .alternating(ground.fewRounds) {
            let mount = try MountedKit(ground, kit.reference(at: proxy.host), options)
            let (seconds, bytes) = try mount.read(.sequential, "far.bin")
            try mount.discard()
            return bytes / seconds
        } peer: {
            let file = try ground.place("curl") + "/blob"
            let seconds = try ground.download(kit, from: proxy.host, to: file)
            try ground.remove(file)
            return Double(kit.size) / seconds
        }
    }

    private static let distantList = Row(
        "distant-ls", "first ls -R of 5,000 files of 500 KB, 100 ms away", against: "curl at 100 MB/s", .seconds,
        .ratio(atMost: 0.25)
    ) { ground in
        let kit = try ground.distantFiles
        return try list(ground, kit, at: kit.registry.port)
    }

    private static let distantStoreList = Row(
        "distant-store-ls", "the same, its blobs from nginx", against: "curl at 100 MB/s", .seconds,
        .ratio(atMost: 0.25)
    ) { ground in
        let kit = try ground.distantFiles
        let store = try FileRegistry(of: kit.registry)
        defer { store.stop() }
        return try list(ground, kit, at: store.port)
    }

    private static func list(_ ground: Ground, _ kit: MadeKit, at port: UInt16) throws -> Runs {
        let proxy = try DelayProxy(upstreamPort: port, roundTrip: 0.1, bytesPerSecond: width)
        defer { proxy.stop() }
        return try .alternating(ground.fewRounds) {
            let mount = try MountedKit(ground, kit.reference(at: proxy.host))
            let (seconds, count) = try mount.read(.list)
            // The Kitfile is a file, too.
            guard Int(count) == ground.scale.distantMembers + 1 else { throw TestSupportError("\(count) files") }
            try mount.discard()
            return mount.seconds + seconds
        } peer: {
            try ground.download(kit, from: proxy.host, to: "/dev/null")
        }
    }
}
