// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

/// Mounting needs privileges that a container may lack.
private let canMount: Bool = {
    guard geteuid() == 0, let directory = try? TemporaryDirectory() else { return false }
    return (try? Command.run("mount", ["-t", "tmpfs", "none", directory.path]).exitCode) == 0
}()

@Suite struct TemporaryDirectoryTests {
    @Test func itIsThereAndGoesWithTheObject() throws {
        var directory: TemporaryDirectory? = try TemporaryDirectory()
        let path = try #require(directory?.path)
        #expect(path.hasPrefix("/tmp/kitfs-test."))
        let sub = try #require(try directory?.subdirectory("a/b"))
        #expect(sub == path + "/a/b")
        #expect(access(sub, F_OK) == 0)
        directory = nil
        #expect(access(path, F_OK) != 0)
    }

    @Test func modeZeroAndOddNamesAreDeletedAndLinksAreNotFollowed() throws {
        let outside = try TemporaryDirectory()
        try writeFile(outside.path + "/keep", [1])
        let directory = try TemporaryDirectory()
        let sub = try directory.subdirectory("a/b")
        try writeFile(sub + "/file", [1])
        let odd: [CChar] = sub.utf8CString.dropLast() + [47, -1, -2, 10, 0]
        #expect(mkdir(odd, 0) == 0)
        #expect(symlink(outside.path, sub + "/link") == 0)
        for path in [sub + "/file", sub, directory.path + "/a"] { #expect(chmod(path, 0) == 0) }
        try directory.remove()
        try directory.remove()
        #expect(access(directory.path, F_OK) != 0)
        #expect(access(outside.path + "/keep", F_OK) == 0)
    }

    @Test func unprivilegedRemovalWorksOnModeZero() throws {
        guard geteuid() == 0 else { return }
        // The same walk by another user, since root may enter any directory.
        let directory = try TemporaryDirectory()
        let sub = try directory.subdirectory("a/b")
        try writeFile(sub + "/file", [1])
        for path in [sub + "/file", sub, directory.path + "/a"] {
            #expect(chown(path, 65534, 65534) == 0 && chmod(path, 0) == 0)
        }
        #expect(chown(directory.path, 65534, 65534) == 0)
        // setfsuid(2) is per thread and drops root's right to pass permissions. Swift's Glibc does not show it.
        typealias SetFileUser = @convention(c) (UInt32) -> Int32
        let setFileUser = unsafeBitCast(try #require(dlsym(nil, "setfsuid")), to: SetFileUser.self)
        let thread = try JoinableThread {
            _ = setFileUser(65534)
            try? DirectoryRemoval.remove(directory.path + "/a", stayingOutOf: [])
        }
        thread.join()
        #expect(access(directory.path + "/a", F_OK) != 0)
    }

    @Test(.enabled(if: canMount, "mount(2) is not permitted here"))
    func mountsAreUndoneAndNotEntered() throws {
        let outside = try TemporaryDirectory()
        try writeFile(outside.path + "/keep", [1])
        let directory = try TemporaryDirectory()
        let memory = try directory.subdirectory("with space")
        try Command.check("mount", ["-t", "tmpfs", "none", memory])
        let inner = try directory.subdirectory("with space/in\\ner")
        try Command.check("mount", ["--bind", outside.path, inner])
        // A file held open makes an ordinary umount fail.
        let busy = open(inner + "/keep", O_RDONLY | O_CLOEXEC)
        defer { close(busy) }
        #expect(try MountTable.mountPoints(below: directory.path) == [Array(memory.utf8), Array(inner.utf8)])
        try directory.remove()
        #expect(access(directory.path, F_OK) != 0)
        #expect(access(outside.path + "/keep", F_OK) == 0)
    }

    @Test(.enabled(if: canMount, "mount(2) is not permitted here"))
    func aMountThatStaysIsNotEntered() throws {
        let outside = try TemporaryDirectory()
        try writeFile(outside.path + "/keep", [1])
        let directory = try TemporaryDirectory()
        let bound = try directory.subdirectory("bound")
        try Command.check("mount", ["--bind", outside.path, bound])
        let error = try #require(throws: TestSupportError.self) {
            try DirectoryRemoval.remove(directory.path, stayingOutOf: [Array(bound.utf8)])
        }
        #expect(error.description.contains(bound))
        #expect(access(outside.path + "/keep", F_OK) == 0)
    }

    @Test func escapesAreDecoded() {
        #expect(MountTable.unescape(Array(#"/a\040b\134c\0"#.utf8)[...]) == Array(#"/a b\c\0"#.utf8))
    }
}
