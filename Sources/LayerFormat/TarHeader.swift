// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// One 512-byte header block, ustar or older.
///
/// Spec: POSIX.1-2017, pax, "ustar Interchange Format"; GNU's base-256 numbers from the tar manual, "Basic Tar Format".
struct TarHeader {
    static let blockSize = 512

    let path: [UInt8]
    let linkTarget: [UInt8]
    let mode: UInt16
    let size: UInt64
    let modified: Int64
    let type: UInt8

    static func isZero(_ block: [UInt8]) -> Bool { block.allSatisfy { $0 == 0 } }

    /// `offset` is for messages only.
    init(parsing block: [UInt8], at offset: UInt64) throws(TarError) {
        precondition(block.count == Self.blockSize)
        try Self.verifyChecksum(block, at: offset)
        mode = UInt16(truncatingIfNeeded: try Self.number(block[100..<108], "mode", at: offset) & 0o7777)
        size = try Self.number(block[124..<136], "size", at: offset)
        // Times before 1970 are negative numbers in base 256. They are read as 0.
        modified =
            block[136] == 0xFF ? 0 : Int64(clamping: try Self.number(block[136..<148], "mtime", at: offset))
        type = block[156]
        linkTarget = Self.text(block[157..<257])
        let name = Self.text(block[0..<100])
        // "ustar\0": POSIX, with a prefix. GNU's own "ustar  " has other fields there.
        let isPOSIX = block[257..<263].elementsEqual("ustar\0".utf8)
        let prefix = isPOSIX ? Self.text(block[345..<500]) : []
        path = prefix.isEmpty ? name : prefix + [47] + name
    }

    /// The checksum is the sum of all bytes, its own field counted as spaces. Some old tars summed signed bytes.
    private static func verifyChecksum(_ block: [UInt8], at offset: UInt64) throws(TarError) {
        var unsigned: Int64 = 0
        var signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let value = (148..<156).contains(index) ? 32 : byte
            unsigned += Int64(value)
            signed += Int64(Int8(bitPattern: value))
        }
        let stored = try Int64(clamping: number(block[148..<156], "checksum", at: offset))
        guard stored == unsigned || stored == signed else { throw .badChecksum(offset: offset) }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// Octal digits, with spaces or NULs around them; or, with the top bit set, big-endian base 256.
    private static func number(_ field: ArraySlice<UInt8>, _ name: String, at offset: UInt64) throws(TarError) -> UInt64
    {
        func failure() -> TarError { .badNumber(field: name, offset: offset) }
        guard let first = field.first else { return 0 }
        if first & 0x80 != 0 {
            guard first == 0x80 else { throw failure() }  // 0xff: a negative number, which no field can be
            var value: UInt64 = 0
            for byte in field.dropFirst() {
                guard value >> 56 == 0 else { throw failure() }
                value = value << 8 | UInt64(byte)
            }
            guard value <= UInt64(Int64.max) else { throw failure() }
            return value
        }
        let digits = field.drop { $0 == 32 || $0 == 0 }.prefix { $0 != 32 && $0 != 0 }
        let rest = field[digits.endIndex...]
        guard rest.allSatisfy({ $0 == 32 || $0 == 0 }) else { throw failure() }
        var value: UInt64 = 0
        for digit in digits {
            guard digit.isOctalDigit else { throw failure() }
            value = value << 3 | UInt64(digit - UInt8(ascii: "0"))  // 12 digits at most: 36 bits
        }
        return value
    }
}
