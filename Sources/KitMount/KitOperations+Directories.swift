// SPDX-License-Identifier: Apache-2.0
package import FuseSession
internal import KitFileSystem
private import OCI
private import SystemPackage

/// Directories: listed as they were when they were opened.
extension KitOperations {
    package func openDirectory(_ request: consuming OpenRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        let list = KitOperation<OpenRequest, (handle: UInt64, validity: Validity)>(kind: .list) { [tree] in
            tree.openDirectory(inode, $0)
        } reply: { [tree] request, opened in
            if !request.reply(handle: opened.handle, keepsCache: opened.validity == .final) {
                tree.closeDirectory(opened.handle)
            }
        }
        answer(request, list)
    }

    package func readDirectory(_ request: consuming DirectoryRequest, handle: UInt64, offset: UInt64) {
        guard let listing = tree.directory(handle) else {
            request.fail(.badFileDescriptor)
            return
        }
        let dots: [(name: [UInt8], inode: InodeNumber)] = [([46], listing.inode), ([46, 46], listing.parent)]
        var position = offset
        while true {
            let fits: Bool
            if position < 2 {
                let dot = dots[Int(position)]
                fits = request.add(
                    name: dot.name, inode: dot.inode.rawValue, kind: .directory, attributes: nil, next: position + 1)
            } else {
                guard let place = Int(exactly: position - 2), let item = tree.item(listing, at: place) else { break }
                let attributes = item.attributes.map(shown)
                fits = request.add(
                    name: item.name.bytes, inode: attributes?.inode ?? UInt64(UInt32.max), kind: attributes?.kind,
                    attributes: attributes, next: position + 1)
            }
            guard fits else { break }
            position += 1
        }
        request.reply()
    }

    package func releaseDirectory(handle: UInt64) { tree.closeDirectory(handle) }
}
