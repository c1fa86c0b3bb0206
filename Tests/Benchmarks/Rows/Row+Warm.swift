// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A large file in kitfs's cache and in memory, compared with the same bytes in a local file. Before each run, both are
/// dropped from the page cache and read in the same way, since speed depends on the size of the page cache's folios.
extension Row {
    static let warm: [Row] = [
        Row(
            "warm-sequential", "warm sequential read, as root", against: "a local file", .bytesPerSecond,
            .ratio(atLeast: 0.95)
        ) { try compare($0, .root) { try $0.rate(.sequential, $1, as: .root, passes: 5) } },
        Row(
            "warm-pread", "warm 4 KiB random pread, as root", against: "a local file", .readsPerSecond,
            .ratio(atLeast: 0.9)
        ) { try compare($0, .root) { try $0.fio("psync", $1) } },
        Row(
            "warm-mmap", "warm 4 KiB random read of a mapping, as root", against: "a local file", .readsPerSecond,
            .ratio(atLeast: 0.9)
        ) { try compare($0, .root) { try $0.fio("mmap", $1) } },
        Row(
            "warm-unprivileged", "warm second sequential read, unprivileged", against: "a local file", .bytesPerSecond,
            .ratio(atLeast: 0.4)
        ) { try compare($0, .unprivileged) { try $0.rate(.sequential, $1, as: .unprivileged) } },
    ]

    static let touch = Row(
        "safetensors", "every page of a mapping in random order by 4 threads, as root", against: "a local file",
        .readsPerSecond, .ratio(atLeast: 0.9)
    ) { try compare($0, .root) { try $0.rate(.touch, $1, as: .root, passes: 5) } }

    static let touchUnprivileged = Row(
        "safetensors-unprivileged", "every page of a mapping in random order by 4 threads, unprivileged",
        against: "a local file", .readsPerSecond
    ) { try compare($0, .unprivileged) { try $0.rate(.touch, $1, as: .unprivileged, passes: 5) } }

    private static func compare(
        _ ground: Ground, _ user: User, _ measure: (Ground, String) throws -> Double
    ) throws -> Runs {
        guard user != .root || getuid() == 0 else { throw NotHere("only root has passthrough") }
        let device = user == .unprivileged ? try FuseDevice() : nil
        defer { withExtendedLifetime(device) {} }
        let kit = try ground.weights
        let mount = try MountedKit(ground, kit.reference, isPulled: true, as: user)
        let runs = try Runs.alternating(ground.rounds) {
            try mount.drop("weights.bin")
            _ = try mount.read(.sequential, "weights.bin")
            return try measure(ground, mount.path + "/weights.bin")
        } peer: {
            _ = try ground.read(.drop, kit.local)
            _ = try ground.read(.sequential, kit.local, as: user)
            return try measure(ground, kit.local)
        }
        try mount.discard()
        return runs
    }
}

extension Ground {
    /// Bytes read per second: the median of several passes, since one pass takes only a tenth of a second.
    func rate(_ way: ReadCommand.Way, _ path: String, as user: User, passes: Int = 1) throws -> Double {
        let rates = try (0..<passes).map { _ in
            let (seconds, amount) = try read(way, path, as: user)
            return amount / seconds
        }
        guard let rate = median(rates) else { throw TestSupportError("\(path) was read in no time") }
        return rate
    }

    /// Random reads of 4 KiB per second.
    func fio(_ engine: String, _ path: String) throws -> Double {
        let output = try Command.check(
            peers.program("fio"),
            [
                "--name=read", "--filename=\(path)", "--rw=randread", "--bs=4k", "--ioengine=\(engine)", "--readonly",
                "--invalidate=0", "--time_based", "--runtime=\(scale.fioSeconds)", "--output-format=terse",
                "--terse-version=3",
            ]
        ).output
        // Terse output, version 3: the eighth field is the number of reads per second.
        let fields = output.split(separator: ";", omittingEmptySubsequences: false)
        guard fields.count > 7, let rate = Double(fields[7]) else { throw TestSupportError("fio printed: \(output)") }
        return rate
    }
}
