// SPDX-License-Identifier: Apache-2.0
import Glibc

/// GNU functions that Swift's Glibc module does not show, because it is built without `_GNU_SOURCE`.
///
/// They are looked up by name at run time, so that this test library needs no C target. All exist since glibc 2.34
/// (Debian 12 has 2.36).
// SAFETY: each unsafeBitCast is to the prototype that the function has in its manual page.
enum GlibcExtensions {
    /// pipe2(2) with O_CLOEXEC: no process spawned by another thread in between can inherit the ends.
    static func closeOnExecPipe() throws -> (read: Int32, write: Int32) {
        typealias Pipe2 = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
        let pipe2 = unsafeBitCast(try symbol("pipe2"), to: Pipe2.self)
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe2") { pipe2(&ends, O_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// memfd_create(2) with MFD_CLOEXEC (1): an unnamed file in memory.
    static func memoryFile() throws -> Int32 {
        typealias MemfdCreate = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        let create = unsafeBitCast(try symbol("memfd_create"), to: MemfdCreate.self)
        return try systemCall("memfd_create") { create("test input", 1) }
    }

    /// accept4(2) with SOCK_CLOEXEC; nil if there is no connection to accept after all.
    static func accept(_ listener: Int32) throws -> Int32? {
        typealias Accept4 = @convention(c) (Int32, OpaquePointer?, OpaquePointer?, Int32) -> Int32
        let accept4 = unsafeBitCast(try symbol("accept4"), to: Accept4.self)
        let socket = accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        return socket < 0 ? nil : socket
    }

    /// Makes the child change its directory before it runs the program.
    static func addChangeDirectory(_ actions: inout posix_spawn_file_actions_t, _ directory: String) throws {
        typealias AddChdir =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32
        let add = unsafeBitCast(try symbol("posix_spawn_file_actions_addchdir_np"), to: AddChdir.self)
        guard add(&actions, directory) == 0 else { throw TestSupportError("posix_spawn: cannot set a directory") }
    }

    /// Makes the child close every descriptor from `lowest` up, also those that others opened without O_CLOEXEC.
    static func addCloseFrom(_ actions: inout posix_spawn_file_actions_t, _ lowest: Int32) throws {
        typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
        let add = unsafeBitCast(try symbol("posix_spawn_file_actions_addclosefrom_np"), to: AddCloseFrom.self)
        guard add(&actions, lowest) == 0 else { throw TestSupportError("posix_spawn: cannot close descriptors") }
    }

    static func symbol(_ name: String) throws -> UnsafeMutableRawPointer {
        guard let address = dlsym(nil, name) else { throw TestSupportError("this C library has no \(name)") }
        return address
    }
}
