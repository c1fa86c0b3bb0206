// SPDX-License-Identifier: Apache-2.0
package import FuseSession
internal import KitFileSystem
private import Threading

/// Files: opened, read through us, and let go.
extension KitOperations {
    package func open(_ request: consuming OpenRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        let open = KitOperation<OpenRequest, KitFileSystem.Opened>(kind: .open) { [tree] in
            tree.open(inode, $0)
        } reply: { [self] request, opened in
            let isTaken =
                if let backing = backings.open(inode.rawValue, opened.ownDescriptor) {
                    request.reply(handle: opened.handle, backing: backing)
                } else {
                    replyReadable(request, opened, inode)
                }
            if !isTaken { release(handle: opened.handle, inode: inode.rawValue) }
        }
        answer(request, open)
    }

    /// Answers an open of a file that is not passed through. Returns false if the caller is gone.
    private func replyReadable(
        _ request: consuming OpenRequest, _ opened: KitFileSystem.Opened, _ inode: InodeNumber
    ) -> Bool {
        if opened.keepsCache, let size = opened.verifiedSize {
            smallFiles.store(inode.rawValue, size: size) { buffer in
                if case .done(buffer.count) = tree.read(opened.handle, at: 0, into: buffer) { true } else { false }
            }
        }
        return request.reply(handle: opened.handle, keepsCache: opened.keepsCache)
    }

    /// A read that waits holds no memory: the buffer is its thread's, from the attempt to the reply.
    package func read(_ request: consuming DataRequest, handle: UInt64, offset: UInt64, size: Int) {
        let read = KitOperation<DataRequest, Int>(kind: .read) { [tree] in
            tree.read(handle, at: offset, into: ThreadBuffer.bytes(size), $0)
        } reply: { request, count in
            request.reply(UnsafeRawBufferPointer(rebasing: ThreadBuffer.bytes(size)[0..<count]))
        }
        answer(request, read)
    }

    /// The backing is closed before the file that it refers to.
    package func release(handle: UInt64, inode: UInt64) {
        backings.release(inode)
        tree.close(handle)
    }
}
