// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import LayerStore
internal import ModelKit
internal import OCI

extension KitFileSystem {
    private static let prefix = "user.kitfs."

    /// The names that are listed: those of the root. Attributes of files are not listed, since `cp -a` would copy them,
    /// at twelve requests a file.
    public func extendedAttributeNames(of inode: InodeNumber) -> [String] {
        inode == .root ? values(inode).map { Self.prefix + $0.name } : []
    }

    /// Throws `FileSystemError.noAttribute` for a name that it has not.
    public func extendedAttribute(named name: String, of inode: InodeNumber) throws(FileSystemError) -> [UInt8] {
        guard name.hasPrefix(Self.prefix),
            let value = values(inode).first(where: { $0.name == name.dropFirst(Self.prefix.count) })?.value
        else { throw .noAttribute }
        return Array(value.utf8)
    }

    /// Whether the file is verified, and has a file to itself in the cache.
    public func hasOwnFile(_ inode: InodeNumber) -> Bool {
        guard case .entry(let layer, let epoch, let number) = inode.target,
            let (mounted, _, entry) = entry(layer, epoch, number), case .file(let content) = entry.kind
        else { return false }
        return mounted.layer.hasOwnFile(content)
    }

    private func values(_ inode: InodeNumber) -> [(name: String, value: String)] {
        if inode == .root {
            return [("reference", reference.description), ("digest", digest.description)]
        }
        guard case .entry(let layer, let epoch, let number) = inode.target,
            let (mounted, _, entry) = entry(layer, epoch, number),
            case .file(let content) = entry.kind
        else { return [] }
        let status = mounted.layer.status
        let verified = status.isVerified ? "yes" : status.stage == .failed ? "failed" : "no"
        return [
            ("layer", mounted.layer.key.digest.description),
            ("kind", mounted.declared.kind.rawValue),
            ("cached", String(status.isVerified ? content.count : 0)),
            ("verified", verified),
            ("io", "read"),
        ]
    }
}
