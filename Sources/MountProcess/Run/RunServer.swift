// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem

/// The process that serves the mount of `kitfs run`. It stays in the caller's namespaces, so that it does not keep the
/// command's alive.
package enum RunServer {
    private static let directoryVariable = "KITFS_RUN_DIRECTORY"
    private static let deviceVariable = "KITFS_RUN_DEVICE"
    private static let lifelineVariable = "KITFS_RUN_LIFELINE"

    /// Written to the lifeline by a supervisor that ends normally. One that is killed writes nothing.
    static let farewell: [UInt8] = [UInt8(ascii: "x")]

    /// The environment that makes a process the server. `device`: nil to mount on the directory itself.
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

    /// Blocks until the supervisor's end closes. Returns true if the supervisor was killed.
    static func outlives(_ lifeline: Int32) -> Bool {
        var byte: UInt8 = 0
        var count = 0
        repeat { count = read(lifeline, &byte, 1) } while count < 0 && errno == EINTR
        return count == 0
    }
}
