// SPDX-License-Identifier: Apache-2.0

/// Reads the header of a gzip member byte by byte. ISA-L's own reader loses track of the fields when a piece ends
/// inside the header, and then takes compressed bytes for a comment.
///
/// Spec: RFC 1952, section 2.3. The header's optional CRC is not checked: the layer's digest covers it.
struct GzipHeader {
    private enum Field { case fixed, extraLength, extra, name, comment, checksum, done }

    private var field = Field.fixed
    /// Bytes of `field` that were taken.
    private var count = 0
    private var flags: UInt8 = 0
    private var extraLength = 0

    /// Why the header is invalid.
    struct Refusal: Error { let reason: String }

    /// Takes the next byte; true if it is the header's last.
    mutating func take(_ byte: UInt8) throws(Refusal) -> Bool {
        count += 1
        switch field {
        case .fixed:
            try takeFixed(byte)
            if count == 10 { advance(to: .extraLength) }
        case .extraLength:
            extraLength |= Int(byte) << (8 * (count - 1))
            if count == 2 { advance(to: .extra) }
        case .extra:
            if count == extraLength { advance(to: .name) }
        case .name:
            if byte == 0 { advance(to: .comment) }
        case .comment:
            if byte == 0 { advance(to: .checksum) }
        case .checksum:
            if count == 2 { advance(to: .done) }
        case .done:
            preconditionFailure("the header has ended")
        }
        return field == .done
    }

    private mutating func takeFixed(_ byte: UInt8) throws(Refusal) {
        switch count {
        case 1 where byte != 0x1f, 2 where byte != 0x8b: throw Refusal(reason: "there is no gzip header")
        case 3 where byte != 8: throw Refusal(reason: "the method is not deflate")
        case 4:
            guard byte & 0xe0 == 0 else { throw Refusal(reason: "the header has unknown flags") }
            flags = byte
        default: break
        }
    }

    /// Goes on to `next`, or to the first field behind it that this header has.
    private mutating func advance(to next: Field) {
        count = 0
        field = next
        switch next {
        case .extraLength: if flags & 4 == 0 { advance(to: .name) }
        case .extra: if extraLength == 0 { advance(to: .name) }
        case .name: if flags & 8 == 0 { advance(to: .comment) }
        case .comment: if flags & 16 == 0 { advance(to: .checksum) }
        case .checksum: if flags & 2 == 0 { advance(to: .done) }
        case .fixed, .done: break
        }
    }
}
