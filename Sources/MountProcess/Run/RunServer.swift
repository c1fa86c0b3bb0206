// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem

/// The process that serves the mount of a `kitfs run`. It is of the session's outer namespaces, so that it keeps nothing
/// alive that is the command's.
package enum RunServer {
    private static let directoryVariable = "KITFS_RUN_DIRECTORY"
    private static let deviceVariable = "KITFS_RUN_DEVICE"
    private static let lifelineVariable = "KITFS_RUN_LIFELINE"

    /// What is written to the lifeline by one who leaves in order. One who is killed writes nothing.
    static let farewell: [UInt8] = [UInt8(ascii: "x")]

    /// What tells a process that it is the server. `device`: nil to mount on the directory itself.
    static func environment(directory: String, device: Int32?, lifeline: Int32) -> [String: String] {
        [
            directoryVariable: directory, deviceVariable: device.map { "/dev/fd/\($0)" } ?? "",
            lifelineVariable: "\(lifeline)",
        ]
    }

    /// nil in other processes.
    package static var mountPoint: MountPoint? {
        guard ReadinessPipe.Writer.isChild, let directory = Environment.nonEmpty(directoryVariable) else { return nil }
        guard let device = Environment.nonEmpty(deviceVariable) else { return MountPoint(directory) }
        return MountPoint(directory, device: device, isPrivate: true)
    }

    package static func serve(
        _ mountPoint: MountPoint, _ configuration: @autoclosure () throws -> MountConfiguration,
        observer: (any MountObserver)?
    ) throws {
        let lifeline = Environment.nonEmpty(lifelineVariable).flatMap { Int32($0) }
        for variable in [directoryVariable, deviceVariable, lifelineVariable] { unsetenv(variable) }
        defer { if !mountPoint.isPrivate { RunDirectory.removeOwn(mountPoint.directory) } }
        try MountProcess.serve(mountPoint, try configuration(), lifeline: lifeline, observer: observer)
    }

    /// Blocks until whoever holds the other end has gone. True if they were killed.
    static func outlives(_ lifeline: Int32) -> Bool {
        var byte: UInt8 = 0
        var count = 0
        repeat { count = read(lifeline, &byte, 1) } while count < 0 && errno == EINTR
        return count == 0
    }
}
