// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A layer of very many small members, which is listed by its headers.
@Suite struct ManyMembersTests {
    private static let count = getenv("KITFS_SOAK") == nil ? 20_000 : 100_000

    @Test func theSecondListingAsksNothing() throws {
        let registry = try DockerRegistry()
        let bench = try CommandFixture()
        let file = bench.directory.path + "/many"
        try Command.check("sh", ["-c", "perl -e '\(Self.tar)' \(Self.count) > \(file)"], timeout: 100)
        let size = Int(try Command.check("stat", ["-c", "%s", file]).output.dropLast()) ?? 0
        // The layer is never read as a whole, so this digest is not checked.
        let hex = String(repeating: "6c", count: 32)
        try registry.plant(file, hex: hex, in: "many")
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var layer = KitBuilder.Layer(.dataset, "data", tar: [])
        layer.planted = (hex, size)
        kit.add(layer)
        try kit.write(tag: "v1", package: "many")
        try registry.push(layout: layout, tag: "v1", to: "many:v1")
        for round in 1...2 {
            try registry.resetRequests()
            let mount = try bench.mount("\(registry.host)/many:v1")
            let begin = monotonicSeconds()
            let names = try Command.check("sh", ["-c", "ls -U \(mount.path)/data | wc -l"], timeout: 200).output
            let seconds = monotonicSeconds() - begin
            #expect(names == "\(Self.count)\n")
            var last = stat()
            #expect(stat(mount.path + "/data/f\(Self.count - 1)", &last) == 0 && last.st_size == 700)
            let requests = try registry.requests().count { $0.blobHex == hex }
            let moved = try registry.bytesMoved(blob: hex)
            // At most all of it is fetched, since the bytes between two headers cost less than a request.
            if round == 1 { #expect(moved <= size * 11 / 10) } else { #expect(requests == 0) }
            let memory = try anonymousMemory(of: try mount.process())
            print(
                "\(Self.count) members, listing \(round): \(seconds) s, \(requests) requests, \(moved) of \(size) bytes, "
                    + "\(memory >> 10) KiB of anonymous memory")
            #expect(memory < 96 << 20 || Sanitizer.isOn)
            try mount.unmount()
        }
    }

    private func anonymousMemory(of process: Int32) throws -> Int {
        let status = String(decoding: try readFile("/proc/\(process)/status"), as: UTF8.self)
        let found = status.firstMatch(of: #/RssAnon:\s+([0-9]+) kB/#).flatMap { Int($0.output.1) }
        return try #require(found) << 10
    }

    private static let tar = """
        for ($i = 0; $i < $ARGV[0]; $i++) { \
        $h = pack("a100 a8 a8 a8 a12 a12 A8 a1 a100 a8 x247", "data/f$i", "0000644", "0001750", "0000000", \
        "00000001274", "00000000000", "", "0", "", "ustar\\x{0}00"); \
        substr($h, 148, 8) = sprintf("%06o\\0 ", unpack("%32C*", $h)); print $h, "\\0" x 1024; } \
        print "\\0" x 1024;
        """
}
