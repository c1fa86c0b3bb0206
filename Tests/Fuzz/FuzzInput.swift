// SPDX-License-Identifier: Apache-2.0

/// An input whose first bytes are read as numbers, for targets that need more than the bytes to be parsed.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// A little-endian number. Bytes after the end of the input count as zeros.
    mutating func number<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type) -> Value {
        var value: Value = 0
        for place in 0..<MemoryLayout<Value>.size {
            value |= Value(rest.popFirst() ?? 0) << Value(8 * place)
        }
        return value
    }

    /// This many of the next bytes, or all if there are fewer.
    mutating func bytes(_ count: Int) -> [UInt8] {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return Array(taken)
    }

    static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }
}

/// The sizes of the pieces that a stream is pushed in. They are the same for the same input, and differ from one input
/// to another.
struct Pieces {
    private var state: UInt64

    init(of bytes: [UInt8]) {
        // FNV-1a of the first and last bytes, which varies enough.
        state = (bytes.prefix(64) + bytes.suffix(64)).reduce(0xcbf2_9ce4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
    }

    /// A size of 1 to 1024 bytes, often very small.
    mutating func next() -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 + Int(state >> 33) % (1 << Int(state >> 60) % 11)
    }

    static func push(_ bytes: [UInt8], _ take: (RawSpan) throws -> Void) rethrows {
        var pieces = Pieces(of: bytes)
        var done = 0
        while done < bytes.count {
            let end = min(bytes.count, done + pieces.next())
            try take(bytes.span.bytes.extracting(done..<end))
            done = end
        }
    }
}
