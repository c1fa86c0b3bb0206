// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization
package import SystemPackage

/// The steps by which the store changes the disk. Each write, rename, removal and sync passes here, before and after
/// it.
///
/// In debug builds, environment variables can kill the process at one step, and log all steps to a file. Tests show
/// with that that after a crash at any step, the next process finds a layer whole or absent. Release builds have none
/// of this.
///
/// - `KITFS_CRASH_AT=N`: SIGKILL to the process at the Nth pass, counted from 1.
/// - `KITFS_STEP_LOG=FILE`: a line for each pass: `before` or `after`, the kind, the path, and the new path of a
/// rename.
package enum DurableStep: String {
    case write, truncate, sync, rename, remove, make

    package enum Moment: String { case before, after }

    #if DEBUG
        private static let crashAt = environment("KITFS_CRASH_AT").flatMap { Int($0) }
        private static let log: Int32? = environment("KITFS_STEP_LOG").map {
            open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        }
        private static let passed = Atomic<Int>(0)

        private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

        package func pass(
            _ moment: Moment, _ place: FileDescriptor, _ name: String = "", to other: FileDescriptor? = nil,
            as newName: String = ""
        ) {
            guard Self.crashAt != nil || Self.log != nil else { return }
            if let log = Self.log {
                var line = "\(moment) \(rawValue) \(Self.path(place, name))"
                if let other { line += " \(Self.path(other, newName))" }
                line += "\n"
                _ = line.utf8CString.withUnsafeBytes { Glibc.write(log, $0.baseAddress, $0.count - 1) }
            }
            let count = Self.passed.add(1, ordering: .relaxed).newValue
            if count == Self.crashAt { kill(getpid(), SIGKILL) }
        }

        private static func path(_ descriptor: FileDescriptor, _ name: String) -> String {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = buffer.withUnsafeMutableBytes { memory in
                memory.baseAddress.map {
                    readlink(
                        "/proc/self/fd/\(descriptor.rawValue)", $0.assumingMemoryBound(to: CChar.self), memory.count)
                } ?? 0
            }
            let directory = String(decoding: buffer[0..<max(0, count)], as: UTF8.self)
            return name.isEmpty ? directory : directory + "/" + name
        }
    #else
        @inline(__always)
        package func pass(
            _ moment: Moment, _ place: FileDescriptor, _ name: String = "", to other: FileDescriptor? = nil,
            as newName: String = ""
        ) {}
    #endif
}
