// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Unusual uses by well-meaning users over a year, and unusual machines.
@Suite final class UnusualUseTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    /// Runs a shell script, with `$K` for kitfs, `$R` for the kit, and `$T` for the script's own working directory.
    private func script(_ text: String) throws -> CommandResult {
        try Command.run(
            "sh", ["-c", "cd \"$T\"; " + text],
            environment: bench.environment.merging(
                ["K": CommandFixture.executable, "R": reference, "T": bench.directory.path], uniquingKeysWith: { $1 }),
            timeout: 60)
    }

    /// The mount's process would wait for itself when it first used its cache.
    @Test(arguments: [
        "mkdir -p home/.cache; \"$K\" mount \"$R\" home --cache home/.cache/kitfs",
        "mkdir m; \"$K\" mount \"$R\" m --cache m", "mkdir m; \"$K\" mount \"$R\" m -f --cache \"$PWD/m/a/b\"",
        "mkdir s m; ln -s m link; \"$K\" pull \"$R\" --cache m/c --progress none; \"$K\" mount \"$R\" m --shared-cache link/c",
    ])
    func aCacheBelowTheMount(_ text: String) throws {
        let result = try script(text)
        #expect(result.exitCode == 7 && result.errorOutput.contains("lies below it"), "\(result.errorOutput)")
    }

    @Test func theLayoutBelowTheMount() throws {
        let result = try script(
            "mkdir m; L=${R#oci:}; cp -r \"${L%:v1}\" m/layout; \"$K\" mount oci:m/layout:v1 m")
        #expect(result.exitCode == 7 && result.errorOutput.contains("the layout"), "\(result.errorOutput)")
    }

    /// An empty word, as from a variable that is not set.
    @Test(arguments: [
        "mount \"$R\" ''", "run \"$R\" --at '' -- true", "mount \"$R\" m --cache ''", "cache list --cache ''",
        "pull \"$R\" --shared-cache ''",
    ])
    func anEmptyWord(_ text: String) throws {
        let result = try script("mkdir m; \"$K\" " + text)
        #expect(
            [2, 125].contains(result.exitCode) && result.errorOutput.contains("empty name"), "\(result.errorOutput)")
        #expect(!String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(bench.directory.path))
    }

    @Test func inThePlaceOfAll() throws {
        let mount = try script("\"$K\" mount \"$R\" /")
        #expect(mount.exitCode == 7, "\(mount.errorOutput)")
        let run = try script("\"$K\" run \"$R\" --at / -- true")
        #expect(run.exitCode == 125, "\(run.errorOutput)")
    }

    @Test func twoMountsOnOneDirectoryAtOnce() throws {
        for _ in 0..<5 {
            let result = try script(
                """
                mkdir -p m
                "$K" mount "$R" m & first=$!
                "$K" mount "$R" m; echo $?
                wait $first; echo $?
                grep -c " $PWD/m " /proc/self/mountinfo
                "$K" unmount m
                """)
            #expect(["0\n7\n1\n", "7\n0\n1\n"].contains(result.output), "\(result.output)\(result.errorOutput)")
        }
    }

    /// Bytes that are not UTF-8, in the command's arguments, file names and variables, are passed on.
    @Test(arguments: ["", "--no-namespace "]) func bytesThatAreNoText(_ option: String) throws {
        let result = try script(
            """
            bad=$(printf 'f\\377'); echo inside >"$bad"
            X=$bad "$K" run \(option)"$R" -- sh -c 'cat "$1"; printf %s "$X" | od -An -tx1; printf %s "$HOME"' sh "$bad"
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output.hasPrefix("inside\n 66 ff\n"), "\(result.output)")
    }

    /// With a limit on file sizes, larger layers fail, and no process is killed.
    @Test func aLimitOfFileSizes() throws {
        let result = try script(
            """
            mkdir m
            (ulimit -f 500; "$K" mount "$R" m)
            ls m >/dev/null && cat m/README.md | head -c 0; cat m/model/weights.bin >/dev/null; echo $?
            cat m/README.md | wc -c
            (ulimit -f 500; "$K" pull "$R" --progress none --cache c); echo $?
            "$K" unmount m
            """)
        #expect(result.output == "1\n26\n1\n", "\(result.output)\(result.errorOutput)")
        #expect(result.errorOutput.contains("ulimit -f"), "\(result.errorOutput)")
    }

    /// Whatever the umask of the user who filled the cache, its files are readable for others. Only the mode of the top
    /// directory keeps others out.
    @Test func theUmaskOfWhoFillsTheCache() throws {
        let result = try script(
            """
            (umask 077; "$K" pull "$R" --cache c --progress none)
            stat -c %a c; find c -mindepth 1 -type d ! -perm 755; find c -type f ! -perm 644
            """)
        #expect(result.output == "700\n", "\(result.output)")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become another user")) func aboveTheCacheNothingCanBeRead() throws
    {
        let user = try UnprivilegedUser(bench)
        try Command.check(
            "sh", ["-c", "mkdir -p $0/shut/home && chown 65534 $0/shut/home && chmod 711 $0/shut", user.home])
        let result = try user.run(
            ["env", "HOME=\(user.home)/shut/home", user.kitfs, "pull", user.reference, "--progress", "none"])
        #expect(result.exitCode == 0, "\(result.errorOutput)")
    }

    /// A layer that was evicted for space is shown as absent.
    @Test func whatWasEvictedIsNotCached() throws {
        var kit = KitBuilder(directory: try bench.directory.subdirectory("layout"))
        for name in ["d0", "d1"] {
            kit.add(.init(.dataset, name, raw: noise(3 << 20, seed: UInt64(name.utf8.last ?? 0))))
        }
        try kit.write(tag: "v1", package: "wide")
        let mount = try bench.mount("oci:\(bench.directory.path)/layout:v1", "--cache-limit", "4MiB")
        for name in ["d0", "d1"] { #expect(try mount.read(name).count == 3 << 20) }
        try eventually(within: 20, "it is told") {
            try mount.shown().layers.map(\.state) == ["absent", "cached"]
        }
        #expect(try mount.extendedAttribute("d0", "user.kitfs.cached") == "0")
        try mount.unmount()
    }

    /// A setting for one way to prune does not conflict with another way on the command line.
    @Test func anotherWayToPrune() throws {
        try writeFile(bench.directory.path + "/conf", Array("[cache-prune]\nolder-than = \"30d\"\n".utf8))
        bench.environment["KITFS_CONF"] = bench.directory.path + "/conf"
        try bench.kitfs("pull", reference, "--progress", "none")
        #expect(try bench.kitfs("cache", "prune").hasPrefix("0 layers"))
        #expect(try bench.kitfs("cache", "prune", "--max-size", "1GiB").hasPrefix("0 layers"))
        #expect(try bench.kitfs("cache", "prune", "--all", "--dry-run").hasPrefix("5 layers"))
    }

    @Test func aNamedCacheIsFilledWhateverIsShared() throws {
        try bench.kitfs("pull", reference, "--progress", "none", "--cache", bench.directory.path + "/one")
        try bench.kitfs(
            "pull", reference, "--progress", "none", "--cache", bench.directory.path + "/two", "--shared-cache",
            bench.directory.path + "/one")
        #expect(
            try Command.check("ls", [bench.directory.path + "/two/layers"]).output.split(separator: "\n").count == 5)
    }

    /// A mount that is interrupted before it is mounted leaves no log.
    @Test(.enabled(if: geteuid() == 0, "only root can become another user"), arguments: ["INT", "TERM", "HUP"])
    func anInterruptedMountLeavesNothing(_ signal: String) throws {
        let user = try UnprivilegedUser(bench)
        let proxy = try FaultProxy(upstreamPort: 1)
        defer { proxy.stop() }
        proxy.stalled = true
        let target = user.home + "/m"
        #expect(try user.run(["mkdir", target]).exitCode == 0)
        let result = try user.run([
            "timeout", "-s", signal, "1", user.kitfs, "mount", "--plain-http", "\(proxy.host)/a:v1", target,
        ])
        #expect(result.exitCode == 124)
        let logs = try Command.check("find", [user.home + "/kitfs", "-name", "*.log"]).output
        #expect(logs.isEmpty, "\(logs)")
    }

    @Test func aPrefetchOfNothing() throws {
        let target = try bench.directory.subdirectory("m")
        let result = try bench.run(["mount", reference, target, "--prefetch", "prompts"])
        #expect(result.exitCode == 0 && result.errorOutput.contains("--prefetch prompts chooses nothing"))
        try bench.kitfs("unmount", target)
    }
}
