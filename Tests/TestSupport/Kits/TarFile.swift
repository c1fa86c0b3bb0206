// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import OCI

/// A tar as kit writes it, with its digest, written to a file piece by piece. It is for layers that are too large for
/// memory and need a right digest. ``SparseTar`` makes sparse ones.
public final class TarFile {
    public let path: String
    /// The number of bytes so far.
    public private(set) var size = 0
    private let file: Int32
    private let hasher = DigestHasher()
    private var pending: [UInt8] = []

    public init(path: String) throws {
        self.path = path
        file = try systemCall("create \(path)") { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
    }

    deinit { close(file) }

    public func directory(_ name: String) throws {
        try append(TarHeader(path: Array(name.utf8), type: "5", mode: 0o755).block(splittingPath: true))
    }

    public func member(_ name: String, _ content: [UInt8]) throws {
        try member(name, size: content.count) { _ in content }
    }

    /// - Parameter piece: called until there are `size` bytes, with the number of those that are missing. Returns the
    ///   next bytes of the content, at most that many.
    public func member(_ name: String, size: Int, piece: (_ missing: Int) -> [UInt8]) throws {
        try append(TarHeader(path: Array(name.utf8), type: "0", mode: 0o644, size: size).block(splittingPath: true))
        var missing = size
        while missing > 0 {
            let bytes = piece(missing)
            try append(bytes)
            missing -= bytes.count
        }
        try append([UInt8](repeating: 0, count: (512 - size % 512) % 512))
    }

    /// - Returns: the digest in hexadecimal digits.
    public func finish() throws -> String {
        try append([UInt8](repeating: 0, count: 1024))
        try flush()
        return hasher.finalize().hex
    }

    private func append(_ bytes: [UInt8]) throws {
        pending += bytes
        size += bytes.count
        if pending.count >= 1 << 20 { try flush() }
    }

    private func flush() throws {
        hasher.update(pending.span.bytes)
        try writeAll(file, pending)
        pending.removeAll(keepingCapacity: true)
    }
}
