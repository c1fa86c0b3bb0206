// SPDX-License-Identifier: Apache-2.0
internal import CFuse
internal import Glibc

/// A file's attributes, as stat(2) shows them.
public struct FuseAttributes: Sendable {
    public enum Kind: Sendable { case file, directory, symbolicLink }

    public var inode: UInt64
    public var kind: Kind
    /// Permission bits.
    public var mode: UInt16
    /// Bytes.
    public var size: UInt64
    /// Seconds since 1970.
    public var modified: Int64
    public var owner: UInt32
    public var group: UInt32
    /// Seconds for which the kernel may cache the attributes and the name.
    public var timeout: Double

    public init(
        inode: UInt64, kind: Kind, mode: UInt16, size: UInt64, modified: Int64, owner: UInt32, group: UInt32,
        timeout: Double
    ) {
        self.inode = inode
        self.kind = kind
        self.mode = mode
        self.size = size
        self.modified = modified
        self.owner = owner
        self.group = group
        self.timeout = timeout
    }

    var status: stat {
        var status = stat()
        status.st_ino = ino_t(inode)
        status.st_mode = type | mode_t(mode & 0o7777)
        status.st_nlink = kind == .directory ? 2 : 1
        status.st_uid = owner
        status.st_gid = group
        status.st_size = off_t(clamping: size)
        // The content's blocks, whatever is on the disk: with 0, tar and cp would see holes.
        status.st_blocks = blkcnt_t(clamping: (size + 511) / 512)
        status.st_blksize = 128 << 10
        let time = timespec(tv_sec: Int(modified), tv_nsec: 0)
        status.st_mtim = time
        status.st_atim = time
        status.st_ctim = time
        return status
    }

    var type: mode_t {
        switch kind {
        case .file: S_IFREG
        case .directory: S_IFDIR
        case .symbolicLink: S_IFLNK
        }
    }

    var entry: fuse_entry_param {
        var entry = fuse_entry_param()
        entry.ino = inode
        entry.attr = status
        entry.attr_timeout = timeout
        entry.entry_timeout = timeout
        return entry
    }
}
