// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import TestSupport
import Testing
import Threading

/// Random reads of every kind, on several threads, compared with the packed bytes.
///
/// `KITFS_SEED` is the first seed. With `KITFS_SOAK` the test takes long.
@Suite struct ReadModelTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    private static let firstSeed = number("KITFS_SEED") ?? UInt64.random(in: 0..<1_000_000)
    private static let isLong = number("KITFS_SOAK") != nil
    private static let threads = 4

    private static func noise(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        let words = (0..<(count + 7) / 8).map { _ in random.next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }

    /// The paths and contents of the kit's files: plain, compressed with one file and with several, and raw.
    private static let contents: [(path: String, bytes: [UInt8])] = [
        ("t/a", noise(3_000_001, 1)), ("t/b", noise(100_000, 2)), ("t/empty", []), ("t/c", noise(1_200_000, 3)),
        ("g/a", noise(1_500_000, 4)), ("g/b", noise(5000, 5)), ("s/only", noise(2_000_000, 6)),
        ("z/only", noise(1_300_000, 7)), ("r.bin", noise(2_500_000, 8)),
    ]

    private static func tar(_ prefix: String) -> [UInt8] {
        var tar = TarBuilder()
        tar.directory(prefix)
        for (path, bytes) in contents where path.hasPrefix(prefix + "/") { tar.file(path, bytes) }
        return tar.finish()
    }

    private static func write(_ layout: String) throws {
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .dataset, path: "t", tar: tar("t"))
        try kit.addLayer(kind: .dataset, path: "g", tar: tar("g"), compression: .gzip)
        try kit.addLayer(kind: .code, path: "s", tar: tar("s"), compression: .gzip)
        try kit.addLayer(kind: .docs, path: "z", tar: tar("z"), compression: .zstd)
        var raw = KitBuilder.Layer(.modelpart, "r.bin", raw: contents[8].bytes)
        raw.filepath = "r.bin"
        kit.add(raw)
        try kit.write(tag: "v1", package: "model")
    }

    @Test(arguments: ["before-read", "while-streaming"], [true, false])
    func randomReads(_ verify: String, passthrough: Bool) throws {
        let layout = try TemporaryDirectory()
        try Self.write(layout.path)
        let registry = try DockerRegistry()
        try registry.push(layout: layout.path, tag: "v1", to: "r:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        proxy.bytesPerSecond = 30 << 20
        for seed in Self.firstSeed..<(Self.firstSeed + (Self.isLong ? 20 : 1)) {
            let comment: Comment = "again: KITFS_SEED=\(seed), verify \(verify), passthrough \(passthrough)"
            print("ReadModelTests: KITFS_SEED=\(seed), verify \(verify)")
            let bench = try CommandFixture()
            let mount = try bench.mount("\(proxy.host)/r:v1", "--verify", verify, "--passthrough", "\(passthrough)")
            let (found, path) = (Found(), mount.path)
            let pool = WorkerPool(limit: Self.threads)
            for thread in 0..<Self.threads {
                let reads = Self.isLong ? 5000 : 200
                pool.submit {
                    var reader = RandomReader(
                        path, Self.contents, seed: seed &* 1000 &+ UInt64(thread), found)
                    reader.run(reads)
                }
            }
            pool.waitUntilIdle()
            #expect(found.all.isEmpty, "\(found.all.prefix(5).joined(separator: "\n"))\n\(comment)")
            for (path, bytes) in Self.contents { #expect(try mount.read(path) == bytes, comment) }
            try mount.unmount()
        }
    }
}

/// The errors of all threads.
private final class Found: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}

/// The reads of one thread.
private struct RandomReader {
    private enum Kind: CaseIterable { case pread, read, readv, mmap, direct, reopen, inOrder }

    /// O_DIRECT, which Swift's Glibc module does not show.
    private static let direct: Int32 = 0o40000
    private let top: String
    private let contents: [(path: String, bytes: [UInt8])]
    private var random: SplitMix64
    private let found: Found
    private var place = 0
    private var descriptor: Int32 = -1

    init(_ top: String, _ contents: [(path: String, bytes: [UInt8])], seed: UInt64, _ found: Found) {
        (self.top, self.contents, self.found) = (top, contents, found)
        random = SplitMix64(seed: seed)
    }

    mutating func run(_ count: Int) {
        reopen(O_RDONLY)
        for _ in 0..<count where descriptor >= 0 {
            guard let kind = Kind.allCases.randomElement(using: &random) else { return }
            step(kind)
        }
        if descriptor >= 0 { close(descriptor) }
    }

    private mutating func reopen(_ flags: Int32) {
        if descriptor >= 0 { close(descriptor) }
        place = Int.random(in: 0..<contents.count, using: &random)
        descriptor = open("\(top)/\(contents[place].path)", flags | O_CLOEXEC)
        if descriptor < 0 { found.add("open \(contents[place].path): errno \(errno)") }
    }

    private mutating func step(_ kind: Kind) {
        let size = contents[place].bytes.count
        // A few of the offsets are after the end.
        let offset = Int.random(in: 0...(size + size / 20), using: &random)
        let count = Int.random(in: 1...(1 << Int.random(in: 1...18, using: &random)), using: &random)
        switch kind {
        case .reopen:
            reopen(O_RDONLY)
        case .pread:
            expect(kind, offset, count) { pread(descriptor, $0, count, offset) }
        case .read:
            lseek(descriptor, offset, SEEK_SET)
            expect(kind, offset, count) { read(descriptor, $0, count) }
        case .readv:
            let first = count / 3
            expect(kind, offset, count) { memory in
                var parts = [
                    iovec(iov_base: memory, iov_len: first), iovec(iov_base: memory + first, iov_len: count - first),
                ]
                lseek(descriptor, offset, SEEK_SET)
                return readv(descriptor, &parts, 2)
            }
        case .inOrder:
            var next = min(offset, size)
            for _ in 0..<8 {
                expect(kind, next, count) { pread(descriptor, $0, count, next) }
                next += count
            }
        case .direct:
            let other = open("\(top)/\(contents[place].path)", O_RDONLY | O_CLOEXEC | Self.direct)
            guard other >= 0 else { return found.add("open directly \(contents[place].path): errno \(errno)") }
            // With passthrough, the cache's file system requires whole blocks.
            let (start, whole) = (offset / 4096 * 4096, (count + 4095) / 4096 * 4096)
            expect(kind, start, whole) { pread(other, $0, whole, start) }
            close(other)
        case .mmap:
            guard offset < size else { return }
            let map = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0)
            guard let map, map != MAP_FAILED else { return found.add("mmap: errno \(errno)") }
            let length = min(count, size - offset)
            expect(kind, offset, count) { memory in
                memcpy(memory, map + offset, length)
                return length
            }
            munmap(map, size)
        }
    }

    private func expect(_ kind: Kind, _ offset: Int, _ count: Int, _ read: (UnsafeMutableRawPointer) -> Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
        defer { memory.deallocate() }
        let done = read(memory)
        let (path, bytes) = contents[place]
        let expected = max(0, min(count, bytes.count - offset))
        guard done == expected else {
            return found.add("\(kind) \(path) at \(offset), \(count): \(done) (errno \(errno)), not \(expected)")
        }
        let isEqual = bytes.withUnsafeBytes { content in
            done == 0 || content.baseAddress.map { memcmp($0 + offset, memory, done) == 0 } ?? false
        }
        if !isEqual { found.add("\(kind) \(path) at \(offset), \(count): other bytes") }
    }
}
