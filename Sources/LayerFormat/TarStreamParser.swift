// SPDX-License-Identifier: Apache-2.0

/// Finds the members of a tar that comes as a stream, in pieces of any size. Content is skipped.
public struct TarStreamParser: Sendable {
    private var parser = TarParser(length: nil)
    /// Bytes of the stream seen so far.
    public private(set) var position: UInt64 = 0
    private var pending: [UInt8] = []

    public init() {}

    /// Takes the next bytes of the stream and passes on each member whose headers they complete.
    public mutating func push(_ bytes: RawSpan, found: (TarMember) throws -> Void) throws {
        var taken = 0
        while taken < bytes.byteCount, !parser.isAtEnd {
            let start = parser.offset + UInt64(pending.count)
            if start > position {  // content
                let skipped = min(start - position, UInt64(bytes.byteCount - taken))
                taken += Int(skipped)
                position += skipped
                continue
            }
            let count = min(parser.wanted - pending.count, bytes.byteCount - taken)
            bytes.extracting(taken..<(taken + count)).withUnsafeBytes { pending.append(contentsOf: $0) }
            taken += count
            position += UInt64(count)
            guard pending.count == parser.wanted else { continue }
            let complete = pending
            pending = []
            if let member = try parser.consume(complete) { try found(member) }
        }
        position += UInt64(bytes.byteCount - taken)
    }

    /// To be called at the end of the stream. Throws `TarError.truncated` if a member is incomplete.
    public func finish() throws(TarError) {
        if !pending.isEmpty { throw .truncated(offset: position) }
        if let error = parser.prematureEnd(at: position) { throw error }
    }
}
