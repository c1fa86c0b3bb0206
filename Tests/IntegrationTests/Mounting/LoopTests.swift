// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Mounts, reads, unmounts and prunes, again and again in four processes on one cache; for a minute in a soak. There is
/// no error and no wrong byte, and no directory, lock, descriptor, process or disk space is left.
@Suite struct LoopTests {
    private static let seconds = getenv("KITFS_SOAK") == nil ? 2 : 60
    private static let jobs = 4

    @Test func mountReadUnmountPrune() throws {
        let bench = try CommandFixture()
        let kit = try NoiseKit([.plain, .gzip, .zstd], size: 3 << 20, bench)
        // This mount stays, to show which descriptors a mount comes to need.
        let lasting = try kit.mountAgain(.plain, .beforeRead)
        #expect(try kit.read(lasting) == .right)
        let process = try lasting.process()
        let before = try Self.descriptors(process)
        let loops = try (0..<Self.jobs).map { number in
            try BackgroundProcess("sh", ["-c", try script(kit, number, bench)], environment: bench.environment)
        }
        while loops.contains(where: \.isRunning) {
            #expect(try kit.read(lasting) == .right)
        }
        for loop in loops { #expect(loop.waitForExit(timeout: 60) == 0, "\(loop.output)\(loop.errorOutput)") }
        print("rounds of each of \(Self.jobs): \(loops.map { $0.output.filter { $0 == "." }.count })")
        #expect(loops.allSatisfy { $0.output.contains(".") })
        try eventually(within: 5, "no descriptors are left over") { try Self.descriptors(process) <= before }
        try lasting.unmount()
        try expectNothingLeft(bench)
    }

    private func script(_ kit: NoiseKit, _ number: Int, _ bench: CommandFixture) throws -> String {
        let target = try bench.directory.subdirectory("loop-\(number)")
        let form = NoiseKit.Form.allCases[number % 3]
        let verify = NoiseKit.Verify.allCases[number % 2]
        let kitfs = CommandFixture.executable
        return """
            end=$(( $(date +%s) + \(Self.seconds) ))
            while [ $(date +%s) -lt $end ]; do
                \(kitfs) mount \(kit.registry.host)/\(form):v1 \(target) --verify \(verify.rawValue) || exit 11
                cmp \(target)/weights.bin \(kit.truth) || exit 12
                \(kitfs) unmount \(target) || exit 13
                \(kitfs) cache prune --all >/dev/null || exit 14
                printf .
            done
            """
    }

    private static func descriptors(_ process: Int32) throws -> Int {
        try Command.check("ls", ["/proc/\(process)/fd"]).output.split(separator: "\n").count
    }

    private func expectNothingLeft(_ bench: CommandFixture) throws {
        try eventually(within: 10, "all processes have ended") {
            try Command.run("pgrep", ["-f", bench.directory.path + "/(mnt|loop)-"]).exitCode == 1
        }
        let pruned = try bench.kitfs("cache", "prune", "--all")
        #expect(!pruned.contains("kept"), "\(pruned)")
        let left = try Command.check("find", [bench.cache, "-mindepth", "1"]).output
            .split(separator: "\n").map { $0.dropFirst(bench.cache.utf8.count + 1) }
        let expected = #/CACHEDIR.TAG|VERSION|blobs|refs|indexes|layers|trash|seen|partial(/[0-9a-f-]{36})?/#
        #expect(left.allSatisfy { $0.wholeMatch(of: expected) != nil }, "\(left)")
        #expect(try !bench.kitfs("status").contains(bench.directory.path))
    }
}
