// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A registry that accepts requests and never answers.
@Suite struct HungRegistryTests {
    private let registry: DockerRegistry
    private let proxy: FaultProxy
    private let bench: CommandFixture
    private static let size = 16 << 20
    private static let readers = 2000
    /// The design's “within a second”, with time for a busy machine.
    private static let second = 4.0

    init() throws {
        registry = try DockerRegistry()
        proxy = try FaultProxy(upstreamPort: registry.port)
        bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var random = SplitMix64(seed: 9)
        let words = (0..<Self.size / 8).map { _ in random.next() }
        var data = TarBuilder()
        data.directory("data")
        data.file("data/big", words.withUnsafeBytes { Array($0) })
        try kit.addLayer(kind: .dataset, path: "data", tar: data.finish())
        for (kind, path, compression) in [
            (KitBuilder.Kind.docs, "here", nil), (.code, "code", nil), (.model, "m/packed", LayerCompression.gzip),
        ] {
            var tar = TarBuilder()
            tar.directory(path)
            for name in ["a", "b"] { tar.file("\(path)/\(name)", Array("\(path) \(name)\n".utf8)) }
            try kit.addLayer(kind: kind, path: path, tar: tar.finish(), compression: compression)
        }
        try kit.write(tag: "v1", package: "hung")
        try registry.push(layout: layout, tag: "v1", to: "h:v1")
    }

    /// Mounts the kit, with `here` cached and all layers but `m` listed. Then the registry stops answering.
    private func hungMount(timeout: Int) throws -> Mount {
        let mount = try bench.mount(
            "\(proxy.host)/h:v1", "--verify", "while-streaming=datasets", "--timeout", "\(timeout)")
        #expect(try mount.read("here/a") == Array("here a\n".utf8))
        try Command.check("ls", ["-l", mount.path + "/data", mount.path + "/code", mount.path + "/here"])
        proxy.stalled = true
        return mount
    }

    /// Does to a file what `kind` says. Its handler of SIGINT ends it with 42.
    private static let script = """
        import mmap, os, signal, sys, threading
        kind, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
        def stop(number, frame): raise InterruptedError
        def say(text): os.write(1, text.encode())
        signal.signal(signal.SIGINT, stop)
        def many():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
            threading.stack_size(65536)
            def one(n):
                try: os.pread(fd, 4096, n * 8192)
                except OSError: pass
            threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(count)]
            for thread in threads: thread.start()
            say('ready ')
            for thread in threads: thread.join()
        def read():
            fd = os.open(path, os.O_RDONLY); say('ready '); os.pread(fd, 4096, count)
        def direct():
            fd = os.open(path, os.O_RDONLY | os.O_DIRECT); say('ready ')
            os.preadv(fd, [mmap.mmap(-1, 4096)], count)
        def fault():
            fd = os.open(path, os.O_RDONLY); map = mmap.mmap(fd, 0, prot=mmap.PROT_READ); say('ready ')
            map[count]
        def opened(): say('ready '); os.open(path, os.O_RDONLY)
        def stat(): say('ready '); os.stat(path)
        def listed(): say('ready '); os.listdir(path)
        try: globals()[kind]()
        except InterruptedError: os._exit(42)
        except OSError as error: say('errno %d ' % error.errno); os._exit(1)
        say('done ')
        """

    private func start(_ kind: String, _ mount: Mount, _ path: String, _ count: Int = 0) throws -> BackgroundProcess {
        let process = try BackgroundProcess(
            "python3", ["-c", Self.script, kind, mount.path + "/" + path, "\(count)"],
            outputFile: nil)
        try eventually(within: 20, "\(kind) has begun") { process.output.contains("ready") || !process.isRunning }
        usleep(300_000)
        #expect(process.isRunning, "\(kind): \(process.output) \(process.errorOutput)")
        return process
    }

    private func within(_ bound: Double, _ what: String, _ body: () throws -> Void) throws {
        let start = monotonicSeconds()
        try body()
        let taken = monotonicSeconds() - start
        #expect(taken < bound, "\(what) took \(taken) s")
    }

    @Test func thousandsOfReadersStopNobodyElse() throws {
        let mount = try hungMount(timeout: 60)
        let many = try start("many", mount, "data/big", Self.readers)
        var status = ""
        try eventually(within: 30, "status names them") {
            status = try bench.kitfs("status", "--json", mount.path)
            return status.matches(of: #/"waiters" : ([0-9]+)/#).contains { (Int($0.output.1) ?? 0) >= Self.readers }
        }
        #expect(try bench.kitfs("status", mount.path).contains(#/dataset +data .* fetching, 20[0-9][0-9] waiting/#))
        try within(Self.second, "a cached read") {
            let bytes = try mount.read("here/b")
            #expect(bytes == Array("here b\n".utf8))
        }
        try within(Self.second, "a listing") {
            let listed = try Command.check("ls", ["-l", mount.path + "/code", mount.path + "/data"])
            #expect(listed.output.contains("big"))
        }
        try within(Self.second, "status") { try bench.kitfs("status") }
        for (kind, path, place) in [
            ("opened", "code/a", 0), ("read", "data/big", 5000), ("fault", "data/big", 13000),
            ("direct", "data/big", 1 << 20), ("stat", "m/packed/a", 0), ("listed", "m/packed", 0),
        ] {
            let process = try start(kind, mount, path, place)
            process.kill(signal: SIGKILL)
            #expect(process.waitForExit(timeout: Self.second) != nil, "\(kind) is gone")
        }
        many.kill(signal: SIGKILL)
        #expect(many.waitForExit(timeout: Self.second) != nil)
        for (kind, path) in [("opened", "code/b"), ("stat", "m/packed/b"), ("listed", "m/packed")] {
            let process = try start(kind, mount, path)
            process.kill(signal: SIGINT)
            #expect(process.waitForExit(timeout: Self.second) == 42, "\(kind): \(process.output)")
        }
        #expect(try mount.read("here/a") == Array("here a\n".utf8))
        proxy.stalled = false
        #expect(try mount.read("data/big").count == Self.size)
        #expect(try mount.read("m/packed/a") == Array("m/packed a\n".utf8))
        try mount.unmount()
    }

    private static let isLong = getenv("KITFS_SOAK") != nil
    private static let timeout = isLong ? 4.0 : 2.0
    /// One and a half times the time-out, and time for a busy machine.
    private static let bound = timeout * 1.5 + 2

    @Test func opensGiveUp() throws {
        let mount = try hungMount(timeout: Int(Self.timeout))
        for _ in 0..<2 {
            try within(Self.bound, "the open") { #expect(mount.openError("code/a") == EIO) }
        }
        proxy.stalled = false
        #expect(try mount.read("code/a") == Array("code a\n".utf8))
        try mount.unmount()
    }

    @Test func readsGiveUp() throws {
        let mount = try hungMount(timeout: Int(Self.timeout))
        let file = open(mount.path + "/data/big", O_RDONLY | O_CLOEXEC)
        #expect(file >= 0)
        var isOpen = true
        defer { if isOpen { close(file) } }
        func error(_ offset: Int) -> Int32 {
            var byte: UInt8 = 0
            return pread(file, &byte, 1, offset) < 0 ? errno : 0
        }
        let handled = try start("read", mount, "data/big", 3 << 20)
        handled.kill(signal: SIGINT)
        try within(Self.bound, "the read") { #expect(error(0) == EIO) }
        // The kernel and programs repeat a failed read at once.
        try within(1, "the read") { #expect(error(0) == EIO) }
        // The signal handler runs after the reply.
        #expect(handled.waitForExit(timeout: 2) != nil)
        usleep(5_200_000)
        if Self.isLong {
            try within(Self.bound, "the read") { #expect(error(0) == EIO) }
            usleep(5_200_000)
        }
        proxy.stalled = false
        #expect(error(0) == 0)
        close(file)
        isOpen = false
        try mount.unmount()
    }

    @Test func lookupsGiveUp() throws {
        let mount = try hungMount(timeout: Int(Self.timeout))
        try within(Self.bound, "the open") { #expect(mount.openError("m/packed/a") == EIO) }
        proxy.stalled = false
        #expect(try mount.read("m/packed/a") == Array("m/packed a\n".utf8))
        try mount.unmount()
    }
}
