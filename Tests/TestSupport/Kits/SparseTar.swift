// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A tar, or one raw file, that is too large for memory. Its members are zeros except for numbers at regular distances,
/// so that it takes little disk space and no two parts look alike.
public final class SparseTar {
    public let path: String
    /// The number of bytes so far.
    public private(set) var size = 0
    /// The distance of the numbers in a member, in bytes.
    public let step: Int
    private let file: Int32

    /// - Parameter step: 8 or more.
    public init(path: String, step: Int = 4096) throws {
        self.path = path
        self.step = step
        file = try systemCall("create \(path)") { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644) }
    }

    deinit { close(file) }

    public func directory(_ name: String) throws {
        try append(TarHeader(path: Array(name.utf8), type: "5", mode: 0o755).block(splittingPath: true))
    }

    /// - Parameter number: tells the member's content from that of other members.
    public func member(_ name: String, number: Int, size: Int) throws {
        try append(TarHeader(path: Array(name.utf8), type: "0", mode: 0o644, size: size).block(splittingPath: true))
        try content(number: number, size: size)
        self.size = (self.size + 511) / 512 * 512
    }

    /// Appends content without a header, as in a raw layer.
    public func content(number: Int, size: Int) throws {
        for offset in stride(from: 0, to: size, by: step) {
            try write(Array(Self.mark(number, offset).prefix(size - offset)), at: self.size + offset)
        }
        self.size += size
        try systemCall("truncate") { ftruncate(file, self.size) }
    }

    public func finish() throws {
        size += 1024
        try systemCall("truncate") { ftruncate(file, size) }
    }

    /// The expected bytes of a range of a member.
    public static func bytes(number: Int, _ range: Range<Int>, step: Int = 4096) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        for offset in stride(from: range.lowerBound / step * step, to: range.upperBound, by: step) {
            for (place, byte) in mark(number, offset).enumerated() where range.contains(offset + place) {
                bytes[offset + place - range.lowerBound] = byte
            }
        }
        return bytes
    }

    private static func mark(_ number: Int, _ offset: Int) -> [UInt8] {
        let value = UInt64(number) << 48 | UInt64(offset) | 1 << 63
        return (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    private func append(_ block: [UInt8]) throws {
        try write(block, at: size)
        size += block.count
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        guard try systemCall("write \(path)", { pwrite(file, bytes, bytes.count, offset) }) == bytes.count else {
            throw TestSupportError("\(path) is not written")
        }
    }
}
