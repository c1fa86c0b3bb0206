// SPDX-License-Identifier: Apache-2.0

/// What stat shows of a file or directory.
public struct Attributes: Sendable, Equatable {
    public enum Kind: Sendable { case file, directory, symbolicLink }

    public let inode: InodeNumber
    public let kind: Kind
    /// Permission bits, without write and set-id.
    public let mode: UInt16
    /// Bytes.
    public let size: UInt64
    /// Seconds since 1970.
    public let modified: Int64
    public let validity: Validity
}

/// How long an answer holds.
public enum Validity: Sendable, Equatable {
    /// The answer comes from bytes that are not verified, or stands in for what is unknown.
    case provisional
    /// The answer will not change during the mount's lifetime.
    case final

    static func both(_ left: Validity, _ right: Validity) -> Validity {
        left == .final && right == .final ? .final : .provisional
    }
}

/// How modes are shown.
public struct ModePolicy: Sendable {
    /// Whether other users may use the mount. The owner's permissions are copied to all then, or a weight file of 0600
    /// would be closed to the job.
    public var sharesWithOthers: Bool
    /// FUSE's `umask`: all files and directories get the permissions that it leaves, whatever was packed.
    public var umask: UInt16?

    public init(sharesWithOthers: Bool = false, umask: UInt16? = nil) {
        self.sharesWithOthers = sharesWithOthers
        self.umask = umask
    }

    func shown(_ mode: UInt16) -> UInt16 {
        if let umask { return 0o555 & ~umask }
        let readable = mode & 0o555
        guard sharesWithOthers else { return readable }
        let owner = readable >> 6 & 0o5
        return readable | owner << 3 | owner
    }
}
