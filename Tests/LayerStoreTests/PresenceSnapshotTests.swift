// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// After a reboot, only chunks that a snapshot proves count as present.
@Suite struct PresenceSnapshotTests {
    private let bench: StoreFixture
    private static let content = StoreFixture.noise(3 << 20, seed: 7)
    private static let tar = StoreFixture.tar([("d/large", content)])
    private static let earlier = "00000000-1111-2222-3333-444444444444"

    init() throws { bench = try StoreFixture() }

    @Test func coding() throws {
        let size = StateFile.chunkSize * 10 + 1
        let snapshot = PresenceSnapshot(blobSize: size, isPresent: (0..<11).map { $0 % 3 == 0 })
        let bytes = snapshot.encoded
        #expect(PresenceSnapshot(decoding: bytes, blobSize: size) == snapshot)
        #expect(PresenceSnapshot(decoding: bytes, blobSize: size + 1) == nil)
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x10
            #expect(PresenceSnapshot(decoding: damaged, blobSize: size) == nil, "byte \(place)")
        }
        for count in [0, 8, bytes.count - 1] {
            #expect(PresenceSnapshot(decoding: Array(bytes[..<count]), blobSize: size) == nil)
        }
    }

    /// A fetch that was interrupted by a clean shutdown, and then a boot with another id.
    private func rebooted() throws -> Descriptor {
        let blob = try bench.source.add(Self.tar)
        bench.source.failAfter = 2_000_000
        let store = try bench.store()
        #expect(try store.layer(blob, form: LayerForm(.tar), source: bench.source).content() != nil)
        store.shutDown()
        bench.source.failAfter = nil
        try eventually(within: 5, "a snapshot is made") {
            try bench.files("partial").contains { $0.hasSuffix("/snapshot") }
        }
        try Command.check("sh", ["-c", "mv \(bench.path)/partial/* \(bench.path)/partial/\(Self.earlier)"])
        return blob
    }

    @Test func whatIsProvenIsNotFetchedAgain() throws {
        let blob = try rebooted()
        let before = bench.source.moved
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("d/large") == Self.content)
        #expect(bench.source.moved - before < blob.size - 1_500_000)
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
    }

    /// An image that contains what an interrupted pull left. overlayfs does not rename directories of its lower layer.
    @Test(.enabled(if: geteuid() == 0, "only root may mount an overlay")) func whatAnImageHasIsFetchedAnew() throws {
        let blob = try rebooted()
        let place = try bench.directory.subdirectory("overlay")
        let options = "lowerdir=\(bench.path),upperdir=\(place)/upper,workdir=\(place)/work"
        try Command.check("mount", ["-t", "tmpfs", "none", place])
        defer { _ = try? Command.run("umount", ["-l", place]) }
        try Command.check("mkdir", [place + "/upper", place + "/work"])
        try Command.check("mount", ["-t", "overlay", "overlay", "-o", options, bench.path])
        defer { _ = try? Command.run("umount", ["-l", bench.path]) }
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("d/large") == Self.content)
    }

    /// The state says that all chunks are present, and the snapshot that none is. The bytes on disk are zeros, and must
    /// not be served.
    @Test func whatIsNotProvenIs() throws {
        let blob = try rebooted()
        let directory = "\(bench.path)/partial/\(Self.earlier)/sha256-\(blob.digest.hex).tar"
        let count = StateFile.chunkCount(of: blob.size)
        let nothing = PresenceSnapshot(blobSize: blob.size, isPresent: .init(repeating: false, count: count))
        try writeFile(directory + "/snapshot", nothing.encoded)
        var state = try readFile(directory + "/state")
        for chunk in 0..<count { state[StateFile.headerSize + chunk] = StateFile.presentMark }
        try writeFile(directory + "/state", state)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("d/large") == Self.content)
    }

    @Test func withoutASnapshotNothingIs() throws {
        _ = try rebooted()
        try Command.check("sh", ["-c", "rm \(bench.path)/partial/*/*/snapshot"])
        _ = try CacheDirectory(path: bench.path)
        #expect(try bench.files("partial").isEmpty)
    }

    /// Several jobs start after a boot. One of them adopts the partial layer, and the others wait for it.
    @Test func whileAnotherTakesItOver() throws {
        let blob = try rebooted()
        let key = LayerKey(digest: blob.digest, form: LayerForm(.tar))
        let cache = try CacheDirectory(path: bench.path)
        let earlier = try cache.top.directory("partial").directory(Self.earlier)
        let other = try #require(try StateFile.open(in: earlier.directory(key.description), key: key))
        #expect(try other.claimAlone())
        let before = bench.source.moved
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        let outcome = Outcome()
        _ = layer.requireContent(outcome.waiter)
        #expect(try cache.prune(.leftovers).freed < 1_000_000)
        usleep(300_000)
        #expect(!outcome.isCalled)
        #expect(try earlier.names() == [key.description])
        _ = try other.file.lock(.none, start: 0, count: StateFile.headerSize)
        #expect(try outcome.wait() == nil)
        #expect(bench.source.moved - before < blob.size - 1_500_000)
    }

    @Test func pruneTakesWhatAnEarlierBootLeft() throws {
        _ = try rebooted()
        let cache = try CacheDirectory(path: bench.path)
        #expect(try bench.files("partial").count > 2)
        #expect(try cache.prune(.leftovers).freed > 1_000_000)
        #expect(try bench.files("partial").isEmpty)
    }

    @Test func fileSystemsOfOtherMachines() {
        let mounts = """
            22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
            40 22 0:51 / /mnt/nfs rw,relatime - nfs4 server:/export rw,vers=4.2
            41 22 0:52 / /mnt/s rw,relatime shared:7 master:3 - fuse.sshfs me@there: rw
            42 22 0:53 / /mnt/host rw,relatime - virtiofs host rw
            """
        let device = { (major: UInt64, minor: UInt64) in major << 8 | minor }
        #expect(NetworkFileSystem.type(ofDevice: device(254, 1), in: mounts) == nil)
        #expect(NetworkFileSystem.type(ofDevice: device(0, 51), in: mounts) == "nfs4")
        #expect(NetworkFileSystem.type(ofDevice: device(0, 52), in: mounts) == "fuse.sshfs")
        #expect(NetworkFileSystem.type(ofDevice: device(0, 53), in: mounts) == "virtiofs")
        #expect(NetworkFileSystem.type(ofDevice: device(9, 9), in: mounts) == nil)
    }

    @Test func oneFillsAtATime() throws {
        let top = try DirectoryHandle.open(bench.directory.path)
        var first: FillerLock? = try FillerLock(top, path: "there")
        #expect(first != nil)
        let error = #expect(throws: StoreError.self) { try FillerLock(top, path: "there") }
        #expect(error?.description.contains("\(getpid())") == true)
        first = nil
        _ = try FillerLock(top, path: "there")
        // The record of a filler that died without removing it does not count.
        let dead = try Command.check("sh", ["-c", "echo $$"]).output.trimmingPrefix(" ").prefix { $0.isNumber }
        let host = try Command.check("hostname", []).output.prefix { !$0.isNewline }
        try writeFile(bench.directory.path + "/FILLER", Array(#"{"host":"\#(host)","pid":\#(dead)}"#.utf8))
        _ = try FillerLock(top, path: "there")
        try writeFile(bench.directory.path + "/FILLER", Array(#"{"host":"elsewhere","pid":\#(dead)}"#.utf8))
        #expect(throws: StoreError.self) { try FillerLock(top, path: "there") }
    }
}
