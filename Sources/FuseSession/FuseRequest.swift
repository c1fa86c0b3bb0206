// SPDX-License-Identifier: Apache-2.0
internal import CFuse
internal import Glibc
public import SystemPackage

/// A request of the kernel that must be answered exactly once: each answer consumes it. One that is dropped by mistake
/// is answered with EIO, since whoever sent it would hang otherwise.
public protocol FuseRequest: ~Copyable, Sendable {
    consuming func fail(_ error: Errno)
    /// libfuse's handle, for `Held`.
    var handle: FuseRequestHandle { get }
}

/// libfuse's handle of a request.
public struct FuseRequestHandle: @unchecked Sendable {
    // SAFETY: libfuse lets any thread answer; that only one does is the work of the types around it.
    let raw: OpaquePointer
}

/// The right to answer a request once.
struct Answer: ~Copyable, @unchecked Sendable {
    // SAFETY: see FuseRequestHandle.
    let raw: OpaquePointer

    consuming func take() -> OpaquePointer {
        let raw = raw
        discard self
        return raw
    }

    deinit { fuse_reply_err(raw, EIO) }
}

/// lookup: a name in a directory.
public struct LookupRequest: ~Copyable, FuseRequest {
    let answer: Answer

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    public consuming func reply(_ attributes: FuseAttributes) {
        var entry = attributes.entry
        fuse_reply_entry(answer.take(), &entry)
    }

    /// Answers that there is no such name, which the kernel may cache for `timeout` seconds.
    public consuming func replyAbsent(timeout: Double) {
        var entry = fuse_entry_param()
        entry.entry_timeout = timeout
        fuse_reply_entry(answer.take(), &entry)
    }
}

/// getattr.
public struct AttributesRequest: ~Copyable, FuseRequest {
    let answer: Answer

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    public consuming func reply(_ attributes: FuseAttributes) {
        var status = attributes.status
        fuse_reply_attr(answer.take(), &status, attributes.timeout)
    }
}

/// open and opendir.
public struct OpenRequest: ~Copyable, FuseRequest {
    let answer: Answer
    let isDirectory: Bool

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    /// Answers an open with passthrough to a backing file. Returns false if the caller is gone: no release follows
    /// then.
    public consuming func reply(handle: UInt64, backing: Passthrough.BackingID) -> Bool {
        if Passthrough.isLibraryOwn {
            var info = fuse_file_info()
            info.fh = handle
            cfuse_open_flags(&info, 0, 1)
            cfuse_set_backing(&info, backing)
            return fuse_reply_open(answer.take(), &info) == 0
        }
        var answer = cfuse_open_out()
        answer.fh = handle
        answer.open_flags = UInt32(cfuse_open_passthrough | cfuse_open_noflush)
        answer.backing_id = backing
        let raw = self.answer.take()
        return withUnsafeBytes(of: &answer) { bytes in
            fuse_reply_buf(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count) == 0
        }
    }

    /// `keepsCache`: the kernel's pages of earlier opens are still valid. Returns false if the caller is gone: no
    /// release follows then.
    public consuming func reply(handle: UInt64, keepsCache: Bool) -> Bool {
        var info = fuse_file_info()
        info.fh = handle
        if isDirectory {
            cfuse_cache_directory(&info, keepsCache ? 1 : 0)
        } else {
            cfuse_open_flags(&info, keepsCache ? 1 : 0, 1)
        }
        return fuse_reply_open(answer.take(), &info) == 0
    }
}

/// read, readlink, getxattr and listxattr: bytes.
public struct DataRequest: ~Copyable, FuseRequest {
    let answer: Answer

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    public consuming func reply(_ bytes: UnsafeRawBufferPointer) {
        let data = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        fuse_reply_buf(answer.take(), data, bytes.count)
    }

    public consuming func reply(_ bytes: [UInt8]) {
        let raw = answer.take()
        bytes.withUnsafeBytes { buffer in
            _ = fuse_reply_buf(raw, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
    }

    /// Answers getxattr and listxattr. A capacity of 0 asks for the size only.
    public consuming func reply(_ bytes: [UInt8], capacity: Int) {
        if capacity == 0 {
            fuse_reply_xattr(answer.take(), bytes.count)
        } else if bytes.count > capacity {
            fail(.outOfRange)
        } else {
            reply(bytes)
        }
    }
}

/// readlink.
public struct LinkRequest: ~Copyable, FuseRequest {
    let answer: Answer

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    public consuming func reply(_ target: [UInt8]) {
        let raw = answer.take()
        (target + [0]).withUnsafeBytes { buffer in
            _ = fuse_reply_readlink(raw, buffer.baseAddress?.assumingMemoryBound(to: CChar.self))
        }
    }
}

/// statfs.
public struct StatisticsRequest: ~Copyable, FuseRequest {
    let answer: Answer

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    /// `size` in bytes; nothing is free.
    public consuming func reply(size: UInt64, files: UInt64) {
        var status = statvfs()
        status.f_bsize = 4096
        status.f_frsize = 4096
        status.f_blocks = fsblkcnt_t(size / 4096 + (size % 4096 == 0 ? 0 : 1))
        status.f_files = fsfilcnt_t(files)
        status.f_namemax = 255
        fuse_reply_statfs(answer.take(), &status)
    }
}

/// readdir and readdirplus: entries up to the size of the caller's buffer.
public struct DirectoryRequest: ~Copyable, FuseRequest {
    let answer: Answer
    /// Whether the entries have attributes: readdirplus.
    public let wantsAttributes: Bool
    private var buffer: [UInt8]
    private var used = 0

    init(answer: consuming Answer, wantsAttributes: Bool, capacity: Int) {
        self.answer = answer
        self.wantsAttributes = wantsAttributes
        buffer = [UInt8](repeating: 0, count: capacity)
    }

    public var handle: FuseRequestHandle { FuseRequestHandle(raw: answer.raw) }
    public consuming func fail(_ error: Errno) { fuse_reply_err(answer.take(), error.rawValue) }

    /// Adds an entry. Returns false if it does not fit. `next`: the position after it. `attributes`: nil for `.`, `..`
    /// and names whose attributes are unknown; the kernel looks those up.
    public mutating func add(
        name: [UInt8], inode: UInt64, kind: FuseAttributes.Kind?, attributes: FuseAttributes?, next: UInt64
    ) -> Bool {
        let raw = answer.raw
        let free = buffer.count - used
        var entry = attributes?.entry ?? fuse_entry_param()
        if attributes == nil {
            entry.attr.st_ino = ino_t(inode)
            entry.attr.st_mode =
                switch kind {
                case .directory: S_IFDIR
                case .file: S_IFREG
                case .symbolicLink: S_IFLNK
                case nil: 0
                }
        }
        let isPlus = wantsAttributes
        let start = used
        let needed = buffer.withUnsafeMutableBytes { bytes in
            (name + [0]).withUnsafeBytes { name in
                let target = bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
                let text = name.baseAddress?.assumingMemoryBound(to: CChar.self)
                return isPlus
                    ? fuse_add_direntry_plus(raw, target, free, text, &entry, off_t(next))
                    : fuse_add_direntry(raw, target, free, text, &entry.attr, off_t(next))
            }
        }
        guard needed <= free else { return false }
        used += needed
        return true
    }

    public consuming func reply() {
        let bytes = buffer
        let count = used
        let raw = answer.take()
        bytes.withUnsafeBytes { buffer in
            _ = fuse_reply_buf(raw, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), count)
        }
    }
}
