// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// What a mount shows and refuses, and how operations wait.
@Suite struct SemanticsTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    @Test func writesAreRefused() throws {
        let mount = try bench.mount(reference)
        #expect(mount.openError("README.md", flags: O_RDWR) == EROFS)
        #expect(mount.openError("new", flags: O_WRONLY | O_CREAT) == EROFS)
        #expect(mkdir(mount.path + "/new", 0o755) == -1 && errno == EROFS)
        #expect(unlink(mount.path + "/README.md") == -1 && errno == EROFS)
        #expect(rename(mount.path + "/README.md", mount.path + "/x") == -1 && errno == EROFS)
        #expect(chmod(mount.path + "/README.md", 0o777) == -1 && errno == EROFS)
        #expect(try ExtendedAttributes.set(mount.path + "/README.md", "user.x", "y") == EROFS)
        try mount.unmount()
    }

    @Test func namesThatAreNotThere() throws {
        let mount = try bench.mount(reference)
        for _ in 0..<2 {
            #expect(mount.openError("nope") == ENOENT)
            #expect(mount.openError("data/train/nope") == ENOENT)
            #expect(mount.openError("README.md/x") == ENOTDIR)
            #expect(mount.openError(String(repeating: "n", count: 256)) == ENAMETOOLONG)
        }
        #expect(mount.openError("data", flags: O_RDONLY | O_DIRECTORY) == 0)
        try mount.unmount()
    }

    @Test func extendedAttributes() throws {
        let mount = try bench.mount(reference)
        let file = "data/train/s0/p/f0.bin"
        #expect(try mount.extendedAttribute(file, "user.kitfs.cached") == "0")
        #expect(try mount.extendedAttribute(file, "user.kitfs.verified") == "no")
        #expect(try mount.read(file).count == 1000)
        #expect(try mount.extendedAttribute(file, "user.kitfs.cached") == "1000")
        #expect(try mount.extendedAttribute(file, "user.kitfs.verified") == "yes")
        #expect(try mount.extendedAttribute(file, "user.kitfs.kind") == "dataset")
        #expect(try mount.extendedAttribute(file, "user.kitfs.io") == "read")
        #expect(
            try mount.extendedAttribute(file, "user.kitfs.layer")
                == "sha256:dcaead6871080a35f4be80803b5a1d40059af16e32fd3b2cd2b1d5e7052495fa")
        #expect(try mount.extendedAttribute(file, "user.nope") == nil && errno == ENODATA)
        #expect(try mount.extendedAttribute("", "user.kitfs.reference") == reference)
        // Attributes are not listed, or every copy would carry them.
        #expect(try ExtendedAttributes.names(mount.path + "/" + file) == [])
        #expect(try ExtendedAttributes.names(mount.path) == ["user.kitfs.reference", "user.kitfs.digest"])
        try mount.unmount()
    }

    @Test func timesAreStableAndPlainlySynthetic() throws {
        let first = try bench.mount(reference)
        let times = try TreeScan.scan(first.path).compactMap(\.mtime)
        try first.unmount()
        // The times are in 1980, and differ between layers.
        #expect(times.allSatisfy { (315_532_800..<347_155_200).contains($0) })
        #expect(Set(times).count >= 6)
        let second = try bench.mount(reference)
        #expect(try TreeScan.scan(second.path).compactMap(\.mtime) == times)
        try second.unmount()
    }

    @Test func blocksAndSpace() throws {
        let mount = try bench.mount(reference)
        var status = stat()
        #expect(stat(mount.path + "/model/weights.safetensors", &status) == 0)
        #expect(status.st_size == 2_097_152 && status.st_blocks == 4096)
        var space = statvfs()
        #expect(statvfs(mount.path, &space) == 0)
        #expect(space.f_bavail == 0 && UInt64(space.f_blocks) * UInt64(space.f_frsize) >= 2_380_800)
        #expect(
            try Command.check("findmnt", ["-no", "FSTYPE,SOURCE", mount.path]).output == "fuse.kitfs \(reference)\n")
        try mount.unmount()
    }

    @Test(.enabled(if: geteuid() == 0, "only root may share a mount without a setting"))
    func ownerAndSharedModes() throws {
        let mount = try bench.mount(
            "oci:\(Fixtures.layout("unicode-paths")):v1", "--allow-other", "--uid", "1234", "--gid", "4321")
        var status = stat()
        #expect(stat(mount.path + "/data/modes/private.key", &status) == 0)
        // With 0600, the job that shares the mount could not read the file.
        #expect(status.st_uid == 1234 && status.st_gid == 4321 && status.st_mode & 0o7777 == 0o444)
        #expect(stat(mount.path + "/data/modes/setuid", &status) == 0 && status.st_mode & 0o7777 == 0o555)
        let read = try UnprivilegedUser(bench).run(["cat", mount.path + "/data/modes/private.key"])
        #expect(read.stdout.count == 7, "\(read.errorOutput)")
        try mount.unmount()
    }

    /// Symbolic and hard links, as tools other than kit write them.
    @Test func links() throws {
        var tar = TarBuilder()
        tar.directory("data")
        tar.file("data/one", Array("content".utf8))
        tar.hardLink("data/two", to: "data/one")
        tar.symlink("data/three", to: "one")
        let layout = try bench.directory.subdirectory("links")
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .dataset, path: "data", tar: tar.finish())
        _ = try kit.write(tag: "v1", package: "links")
        let mount = try bench.mount("oci:\(layout):v1")
        for name in ["data/one", "data/two", "data/three"] { #expect(try mount.read(name) == Array("content".utf8)) }
        #expect(try Command.check("readlink", [mount.path + "/data/three"]).output == "one\n")
        try mount.unmount()
    }

    /// An open that waits is answered with EINTR on a signal. It blocks no other operation, and can be killed at once.
    @Test func anOpenThatWaits() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "plain-small:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        let mount = try bench.mount("\(proxy.host)/plain-small:v1")
        #expect(try mount.read("README.md").count == 26)
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("weights"))
        proxy.stalled = true
        let waiting = try (0..<40).map { _ in try BackgroundProcess("cat", [mount.path + "/model/weights.safetensors"])
        }
        let interrupted = try BackgroundProcess(
            "perl", ["-e", Self.interruptedOpen, mount.path + "/model/weights.safetensors"])
        usleep(300_000)
        // Other operations continue: cached files, names, the status.
        #expect(try mount.read("README.md").count == 26)
        #expect(try Command.check("ls", ["-l", mount.path + "/data/train"], timeout: 10).output.contains("s0"))
        try eventually(within: 10, "status shows the fetch") {
            try bench.kitfs("status", mount.path, timeout: 10).contains("fetching")
        }
        #expect(interrupted.waitForExit(timeout: 10) == 0, "\(interrupted.errorOutput)")
        #expect(interrupted.output == "interrupted\n")
        for reader in waiting {
            reader.kill(signal: SIGKILL)
            #expect(reader.waitForExit(timeout: 5) == 128 + SIGKILL)
        }
        proxy.stalled = false
        #expect(try mount.read("model/weights.safetensors").count == 2_097_152)
        try mount.unmount()
    }

    /// Perl does not repeat an interrupted call by itself.
    private static let interruptedOpen = """
        $SIG{ALRM} = sub {}; alarm 1;
        print sysopen(my $file, $ARGV[0], 0) ? "opened\n" : $!{EINTR} ? "interrupted\n" : "failed: $!\n";
        """

    /// A layer with files outside of its declared path is unusable. The other layers are not.
    @Test func membersOutsideOfTheDeclaredPath() throws {
        var good = TarBuilder()
        good.file("good.txt", [1])
        var evil = TarBuilder()
        evil.directory("data")
        evil.file("data/x", [2])
        evil.file("beside", [3])
        let layout = try bench.directory.subdirectory("evil")
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .docs, path: "good.txt", tar: good.finish())
        try kit.addLayer(kind: .dataset, path: "data", tar: evil.finish())
        _ = try kit.write(tag: "v1", package: "evil")
        let mount = try bench.mount("oci:\(layout):v1")
        #expect(try mount.read("good.txt") == [1])
        #expect(mount.openError("data/x") == EIO)
        #expect(mount.openError("beside") == ENOENT)
        try mount.unmount()
    }

    /// The layer that puts a file at the path of a directory, or a directory at the path of a file, is unusable. The
    /// other layers are not.
    @Test func aFileAgainstADirectory() throws {
        var kit = KitBuilder(directory: try bench.directory.subdirectory("conflict"))
        for (path, content) in [("a/b/x", 1), ("a", 2), ("c", 3), ("c/d/y", 4), ("e/z", 5)] as [(String, UInt8)] {
            var tar = TarBuilder()
            tar.file(path, [content])
            try kit.addLayer(kind: .dataset, path: path, tar: tar.finish())
        }
        _ = try kit.write(tag: "v1", package: "conflict")
        let reference = "oci:\(bench.directory.path)/conflict:v1"
        let mount = try bench.mount(reference)
        #expect(try Command.check("ls", [mount.path]).output == "Kitfile\na\nc\ne\n")
        #expect(try mount.read("a/b/x") == [1])
        #expect(try mount.read("c") == [3])
        #expect(try mount.read("e/z") == [5])
        #expect(mount.openError("a", flags: O_RDONLY | O_DIRECTORY) == EIO)
        #expect(mount.openError("a/nope") == EIO)
        #expect(mount.openError("c/d/y") == ENOTDIR)
        #expect(try mount.log().contains("“a” is a directory in one of its kit's layers, and none in another"))
        try eventually(within: 5, "status says why") {
            try bench.kitfs("status", mount.path).contains("“a” is a directory in one")
        }
        try mount.unmount()
        let listed = try bench.failure("ls", reference, "a")
        #expect(listed.code == 6 && listed.message.contains("“a” is a directory in one"), "\(listed.message)")
    }
}
