// SPDX-License-Identifier: Apache-2.0

/// The operations of a file system. They are called on libfuse's threads, many at once, and must not block: a request
/// that must wait becomes `Held`. Names are bytes without NUL. Inode 1 is the root.
public protocol FuseOperations: Sendable {
    func lookup(_ request: consuming LookupRequest, parent: UInt64, name: [UInt8])
    func attributes(_ request: consuming AttributesRequest, inode: UInt64)
    func readLink(_ request: consuming LinkRequest, inode: UInt64)
    func open(_ request: consuming OpenRequest, inode: UInt64)
    /// `size` bytes from `offset` on, or what there is of them.
    func read(_ request: consuming DataRequest, handle: UInt64, offset: UInt64, size: Int)
    func release(handle: UInt64, inode: UInt64)
    func openDirectory(_ request: consuming OpenRequest, inode: UInt64)
    /// Entries from position `offset` on: 0 at first, else a `next` that was given.
    func readDirectory(_ request: consuming DirectoryRequest, handle: UInt64, offset: UInt64)
    func releaseDirectory(handle: UInt64)
    func statistics(_ request: consuming StatisticsRequest)
    func extendedAttribute(_ request: consuming DataRequest, inode: UInt64, named name: String, capacity: Int)
    func extendedAttributeNames(_ request: consuming DataRequest, inode: UInt64, capacity: Int)
    /// Called when the kernel has answered INIT: the mount is usable.
    func started()
}
