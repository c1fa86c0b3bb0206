// SPDX-License-Identifier: Apache-2.0
internal import CFuse
private import Glibc
private import SystemPackage

/// libfuse's callbacks. Each wraps its request and passes it to the operations, which libfuse's user data refers to.
enum OperationTable {
    static func make() -> fuse_lowlevel_ops {
        var table = fuse_lowlevel_ops()
        addLifecycle(&table)
        addNames(&table)
        addFiles(&table)
        addDirectories(&table)
        return table
    }

    /// SAFETY: user data is the box that the session retains for as long as libfuse's session lives.
    private static func operations(_ request: OpaquePointer) -> any FuseOperations {
        guard let context = fuse_req_userdata(request) else { preconditionFailure("a session without user data") }
        return Unmanaged<OperationsBox>.fromOpaque(context).takeUnretainedValue().operations
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    private static func addLifecycle(_ table: inout fuse_lowlevel_ops) {
        table.`init` = { context, connection in
            guard let context, let connection else { return }
            connection.pointee.want &= ~UInt32(FUSE_CAP_ASYNC_DIO)  // or O_DIRECT reads ignore SIGKILL
            connection.pointee.want &= ~UInt32(FUSE_CAP_READDIRPLUS_AUTO)
            connection.pointee.want |= UInt32(FUSE_CAP_READDIRPLUS) & connection.pointee.capable
            connection.pointee.want |= UInt32(FUSE_CAP_CACHE_SYMLINKS) & connection.pointee.capable
            // Requests that wait for the network must not keep the kernel from sending others. The kernel reduces this
            // to the user's limit.
            connection.pointee.max_background = 65535
            connection.pointee.congestion_threshold = 65535
            let box = Unmanaged<OperationsBox>.fromOpaque(context).takeUnretainedValue()
            box.passthrough.negotiate(connection)
            box.start(kernel: "\(connection.pointee.proto_major).\(connection.pointee.proto_minor)")
        }
        table.statfs = { request, _ in
            guard let request else { return }
            OperationTable.operations(request).statistics(StatisticsRequest(answer: Answer(raw: request)))
        }
        // Inode numbers are derived and not counted, so there is nothing to forget.
        table.forget = { request, _, _ in fuse_reply_none(request) }
        table.forget_multi = { request, _, _ in fuse_reply_none(request) }
    }

    private static func addNames(_ table: inout fuse_lowlevel_ops) {
        table.lookup = { request, parent, name in
            guard let request else { return }
            OperationTable.operations(request).lookup(
                LookupRequest(answer: Answer(raw: request)), parent: parent, name: OperationTable.bytes(name))
        }
        table.getattr = { request, inode, _ in
            guard let request else { return }
            OperationTable.operations(request).attributes(
                AttributesRequest(answer: Answer(raw: request)), inode: inode)
        }
        table.readlink = { request, inode in
            guard let request else { return }
            OperationTable.operations(request).readLink(LinkRequest(answer: Answer(raw: request)), inode: inode)
        }
        table.getxattr = { request, inode, name, capacity in
            guard let request else { return }
            let name = String(decoding: OperationTable.bytes(name), as: UTF8.self)
            OperationTable.operations(request).extendedAttribute(
                DataRequest(answer: Answer(raw: request)), inode: inode, named: name, capacity: capacity)
        }
        table.listxattr = { request, inode, capacity in
            guard let request else { return }
            OperationTable.operations(request).extendedAttributeNames(
                DataRequest(answer: Answer(raw: request)), inode: inode, capacity: capacity)
        }
    }

    private static func addFiles(_ table: inout fuse_lowlevel_ops) {
        table.open = { request, inode, info in
            guard let request, let info else { return }
            let open = OpenRequest(answer: Answer(raw: request), isDirectory: false)
            guard info.pointee.flags & O_ACCMODE == O_RDONLY else { return open.fail(.readOnlyFileSystem) }
            OperationTable.operations(request).open(open, inode: inode)
        }
        table.read = { request, _, size, offset, info in
            guard let request, let info else { return }
            let read = DataRequest(answer: Answer(raw: request))
            guard let offset = UInt64(exactly: offset) else { return read.fail(.invalidArgument) }
            OperationTable.operations(request).read(read, handle: info.pointee.fh, offset: offset, size: size)
        }
        table.release = { request, inode, info in
            guard let request else { return }
            if let info { OperationTable.operations(request).release(handle: info.pointee.fh, inode: inode) }
            fuse_reply_err(request, 0)
        }
    }

    private static func addDirectories(_ table: inout fuse_lowlevel_ops) {
        table.opendir = { request, inode, _ in
            guard let request else { return }
            OperationTable.operations(request).openDirectory(
                OpenRequest(answer: Answer(raw: request), isDirectory: true), inode: inode)
        }
        table.readdir = { request, _, size, offset, info in
            OperationTable.readDirectory(request, info, size, offset, wantsAttributes: false)
        }
        table.readdirplus = { request, _, size, offset, info in
            OperationTable.readDirectory(request, info, size, offset, wantsAttributes: true)
        }
        table.releasedir = { request, _, info in
            guard let request else { return }
            if let info { OperationTable.operations(request).releaseDirectory(handle: info.pointee.fh) }
            fuse_reply_err(request, 0)
        }
    }

    /// Negative offsets are refused. The kernel sends none.
    private static func readDirectory(
        _ request: OpaquePointer?, _ info: UnsafeMutablePointer<fuse_file_info>?, _ size: Int, _ offset: off_t,
        wantsAttributes: Bool
    ) {
        guard let request, let info else { return }
        let list = DirectoryRequest(answer: Answer(raw: request), wantsAttributes: wantsAttributes, capacity: size)
        guard let offset = UInt64(exactly: offset) else { return list.fail(.invalidArgument) }
        operations(request).readDirectory(list, handle: info.pointee.fh, offset: offset)
    }
}
