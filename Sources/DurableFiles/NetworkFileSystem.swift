// SPDX-License-Identifier: Apache-2.0
internal import SystemPackage

/// File systems of other machines, and of a virtual machine's host. Their locks, renames and writes give weaker
/// guarantees than a cache with several writers needs. FUSE counts as one, since what is behind it is unknown.
package enum NetworkFileSystem {
    private static let types: Set<Substring> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "lustre", "gpfs", "beegfs", "9p", "afs", "ocfs2", "gfs2",
        "pvfs2", "orangefs", "wekafs", "panfs", "virtiofs", "vboxsf", "prl_fs",
    ]

    /// The directory's file system type, as in mountinfo; nil for a local one.
    package static func name(of directory: DirectoryHandle) -> String? {
        guard let device = try? directory.attributes.device, let proc = try? DirectoryHandle.open("/proc/self"),
            let file = try? proc.file("mountinfo", .read)
        else { return nil }
        return type(ofDevice: device, in: String(decoding: content(of: file), as: UTF8.self))
    }

    /// Format: proc(5), /proc/pid/mountinfo: the third field is the device, the type follows a dash.
    package static func type(ofDevice device: UInt64, in mounts: String) -> String? {
        // The same bits as makedev(3).
        let major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfff)
        let minor = (device & 0xff) | (device >> 12 & ~0xff & 0xffff_ffff)
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3, fields[2] == "\(major):\(minor)", let dash = fields.firstIndex(of: "-"),
                dash + 1 < fields.count
            else { continue }
            let type = fields[dash + 1]
            return types.contains(type) || type == "fuse" || type.hasPrefix("fuse.") ? String(type) : nil
        }
        return nil
    }

    private static func content(of file: OwnedFile) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 16 << 20 {
            let offset = UInt64(bytes.count)
            guard let count = try? piece.withUnsafeMutableBytes({ try file.read(at: offset, into: $0) }), count > 0
            else {
                break
            }
            bytes.append(contentsOf: piece.prefix(count))
        }
        return bytes
    }
}
