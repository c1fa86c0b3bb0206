// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// All ways in which programs read files, tried on a large cached file, with passthrough and without it.
@Suite struct ReadingWaysTests {
    private static let size = 6 << 20
    private let bench: CommandFixture
    private let kit: String
    private let truth: String

    init() throws {
        bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        truth = bench.directory.path + "/truth"
        try writeFile(truth, Self.content)
        var tar = TarBuilder()
        tar.directory("data")
        tar.file("data/big", Self.content)
        // Makes the file large enough to have a file of its own in the cache.
        let padding = [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20)
        tar.file("data/script", Array("#!/bin/sh\necho \"ran $1\"\nexit 42\n".utf8) + padding, mode: 0o755)
        tar.file("data/shell", try readFile("/bin/bash"), mode: 0o755)
        var builder = KitBuilder(directory: layout)
        try builder.addLayer(kind: .dataset, path: "data", tar: tar.finish())
        try builder.write(tag: "v1", package: "ways")
        kit = "oci:\(layout):v1"
    }

    /// Each block of 4 KiB is filled with its own offset, which is fio's pattern `%o`.
    private static let content: [UInt8] = {
        var words: [UInt64] = []
        for block in stride(from: 0, to: size, by: 4096) {
            words.append(contentsOf: repeatElement(UInt64(block).littleEndian, count: 512))
        }
        return words.withUnsafeBytes { Array($0) }
    }()

    private func mount(_ passthrough: Bool) throws -> Mount {
        let mount = try bench.mount(kit, "--passthrough", "\(passthrough)")
        _ = try mount.read("data/script")  // brings the layer
        let io = try mount.extendedAttribute("data/big", "user.kitfs.io")
        #expect(io == "read" || passthrough)
        if passthrough, io != "passthrough" { print("ReadingWaysTests: no passthrough here: \(io ?? "nothing")") }
        return mount
    }

    /// Prints only what is wrong.
    private static let script = """
        import mmap, os, random, sys, tempfile, threading
        path, truth = sys.argv[1:3]
        with open(truth, 'rb') as file: want = file.read()
        def expect(way, got, start):
            if bytes(got) != want[start:start + len(got)] or not got: print('wrong:', way, start, len(got))
        fd = os.open(path, os.O_RDONLY)
        expect('read', os.read(fd, 100_000), 0)
        expect('read on', os.read(fd, 3 << 20), 100_000)
        expect('pread', os.pread(fd, 70_001, 1_234_567), 1_234_567)
        parts = [bytearray(5000), bytearray(1), bytearray(300_000)]
        if os.preadv(fd, parts, 777) != 305_001: print('wrong: preadv is short')
        expect('preadv', b''.join(parts), 777)
        for advice in (os.POSIX_FADV_SEQUENTIAL, os.POSIX_FADV_WILLNEED, os.POSIX_FADV_DONTNEED, os.POSIX_FADV_RANDOM):
            os.posix_fadvise(fd, 0, 0, advice)
            expect(f'fadvise {advice}', os.pread(fd, 1 << 20, 4096 * advice), 4096 * advice)
        whole = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        expect('mmap', whole[:], 0)
        private = mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        private[5] = 1
        expect('mmap beside a private write', whole[0:4096], 0)
        whole.madvise(mmap.MADV_DONTNEED)
        expect('mmap again', whole[1 << 20:3 << 20], 1 << 20)
        with tempfile.TemporaryFile() as copy:
            done = 0
            while done < len(want): done += os.sendfile(copy.fileno(), fd, done, len(want) - done)
            expect('sendfile', os.pread(copy.fileno(), len(want), 0), 0)
        reader, writer = os.pipe()
        expect('splice', os.read(reader, os.splice(fd, writer, 50_000, offset_src=999)), 999)
        direct = os.open(path, os.O_RDONLY | os.O_DIRECT)
        blocks = mmap.mmap(-1, 1 << 20)
        if os.preadv(direct, [blocks], 2 << 20) != 1 << 20: print('wrong: O_DIRECT is short')
        expect('O_DIRECT', blocks[:], 2 << 20)
        if os.pread(fd, 10, len(want)) != b'': print('wrong: bytes behind the end')
        if os.lseek(fd, 0, os.SEEK_END) != len(want): print('wrong: end')
        if os.lseek(fd, 0, os.SEEK_HOLE) != len(want): print('wrong: a hole')
        many = [os.open(path, os.O_RDONLY | (os.O_DIRECT if n % 5 == 0 else 0)) for n in range(300)]
        def some(seed):
            numbers = random.Random(seed)
            for _ in range(300):
                start = numbers.randrange(len(want) // 4096 - 4) * 4096
                plain = [f for n, f in enumerate(many) if n % 5]
                expect('many openers', os.pread(numbers.choice(plain), 12_345, start), start)
        threads = [threading.Thread(target=some, args=(seed,)) for seed in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        for f in many: os.close(f)
        """

    @Test(arguments: [true, false]) func everyWayGivesTheSameBytes(_ passthrough: Bool) throws {
        let mount = try mount(passthrough)
        let result = try Command.run("/usr/bin/python3", ["-c", Self.script, mount.path + "/data/big", truth])
        #expect(result.output == "" && result.exitCode == 0, "\(result.output)\(result.errorOutput)")
        let script = try Command.run(mount.path + "/data/script", ["well"])
        #expect(script.output == "ran well\n" && script.exitCode == 42)
        #expect(try Command.run(mount.path + "/data/shell", ["-c", "exit 43"]).exitCode == 43)
        try mount.unmount()
    }

    /// fio itself verifies each block.
    @Test(arguments: [true, false], ["io_uring", "libaio", "mmap"])
    func enginesOfFio(_ passthrough: Bool, _ engine: String) throws {
        let mount = try mount(passthrough)
        let result = try Command.run(
            "fio",
            [
                "--name=ways", "--readonly", "--filename=\(mount.path)/data/big", "--rw=randread", "--bs=4096",
                "--ioengine=\(engine)", "--iodepth=16", "--direct=\(engine == "libaio" ? 1 : 0)",
                "--size=\(Self.size)", "--verify=pattern", "--verify_pattern=%o", "--verify_fatal=1",
                "--randseed=\(UInt32.random(in: 0 ... .max))",
            ])
        let text = result.output + result.errorOutput
        #expect(result.exitCode == 0 && !text.contains("bad pattern"), "\(text)")
        #expect(text.contains("issued rwts: total=\(Self.size / 4096)"), "\(text)")
        try mount.unmount()
    }

    /// In each of several mounts, an open file outlives its layer. A new open fetches the layer again.
    @Test(arguments: [true, false]) func anOpenFileOutlivesItsLayer(_ passthrough: Bool) throws {
        let mounts = try [mount(passthrough), mount(passthrough), mount(!passthrough)]
        let files = try mounts.map { try OpenedFile($0.path + "/data/big") }
        // Someone deletes the layers by hand.
        try Command.check("sh", ["-c", "rm -rf \(bench.cache)/layers/*"])
        for file in files {
            for start in [0, 3 << 20, Self.size - 5000] {
                let bytes = try file.read(start..<(start + 5000)).get()
                #expect(bytes == Array(Self.content[start..<(start + 5000)]))
            }
        }
        for mount in mounts { #expect(try mount.read("data/big") == Self.content) }
        for file in files { file.close() }
        for mount in mounts {
            #expect(try mount.read("data/big") == Self.content)
            try mount.unmount()
        }
    }
}
