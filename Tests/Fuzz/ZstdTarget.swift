// SPDX-License-Identifier: Apache-2.0

@testable import LayerFormat

extension ZstdDecompressor: FuzzedInflater {}

extension FuzzTarget {
    /// Takes the bytes as a Zstandard stream, and then as a recipe for a valid stream. Mutation alone seldom makes a
    /// valid one, since libzstd is not instrumented for coverage.
    static let zstd = FuzzTarget(name: "zstd", seeds: { ZstdStream.recipes }) { bytes in
        if let size = ZstdDecompressor.contentSize(of: bytes) { require(size <= UInt64(Int64.max), "\(size)") }
        _ = Inflation(bytes, ZstdDecompressor.self)
        let made = ZstdStream(recipe: bytes)
        let inflation = Inflation(made.bytes, ZstdDecompressor.self)
        require(inflation.error == nil, "\(String(describing: inflation.error)) of a good stream")
        require(inflation.output == made.content, "\(inflation.count) bytes instead of \(made.content.count)")
    }
}

/// A Zstandard stream of raw and repeated blocks, and its content. Spec: RFC 8878, section 3.1.
struct ZstdStream {
    private(set) var bytes: [UInt8] = []
    private(set) var content: [UInt8] = []

    private static let blockLimit = 128 << 10
    /// A few blocks, and less than the limit of an `Inflation`.
    private static let contentLimit = 3 << 16

    /// One frame that states the length of its content, or claims another length.
    init(of content: [UInt8], claiming size: UInt64? = nil) {
        self.content = content
        let starts = Array(stride(from: 0, to: max(1, content.count), by: Self.blockLimit))
        let blocks = starts.map { start in
            Block(bytes: content[start..<min(content.count, start + Self.blockLimit)], repeating: nil)
        }
        append(blocks, window: 7 << 3, size: size ?? UInt64(content.count), isSegment: false)
    }

    /// Frames. Each is a byte of options and then blocks; each block is a kind, a length and its bytes.
    init(recipe: [UInt8]) {
        var input = FuzzInput(recipe)
        repeat {
            let options = input.number(UInt8.self)
            if options & 7 == 7 {
                let skipped = input.bytes(Int(options >> 3))
                append(magic: 0x184D_2A50 + UInt32(options >> 4), FuzzInput.bytes(of: UInt32(skipped.count)) + skipped)
                continue
            }
            // Windows of 1 KiB to 480 KiB. Memory for larger ones would take most of the time.
            let exponent = options >> 3 & 15
            let window = min(exponent, 8) << 3 | (exponent > 8 ? 7 : options & 7)
            let isSegment = options & 1 != 0
            let limit = isSegment ? Self.blockLimit : min(Self.blockLimit, 1 << (10 + Int(window >> 3)))
            var blocks: [Block] = []
            var size = 0
            repeat {
                let kind = input.number(UInt8.self)
                let count = Int(input.number(UInt16.self)) << Int(kind >> 1 & 1) % (limit + 1)
                guard content.count + size + count <= Self.contentLimit else { break }
                let isRepeated = kind & 1 != 0 && count > 0
                let held = input.bytes(isRepeated ? 1 : count)
                blocks.append(Block(bytes: held[...], repeating: isRepeated ? count : nil))
                size += blocks[blocks.count - 1].content.count
                if kind & 4 != 0 { break }
            } while !input.rest.isEmpty
            content += blocks.flatMap(\.content)
            append(
                blocks, window: window, size: options & 2 != 0 || isSegment ? UInt64(size) : nil, isSegment: isSegment)
        } while !input.rest.isEmpty
    }

    private struct Block {
        let bytes: ArraySlice<UInt8>
        /// How often the single byte is repeated; nil for a raw block.
        let repeating: Int?

        var content: [UInt8] {
            repeating.map { [UInt8](repeating: bytes.first ?? 0, count: $0) } ?? Array(bytes)
        }

        func encoded(isLast: Bool) -> [UInt8] {
            let kind: UInt32 = repeating == nil ? 0 : 1
            let header = UInt32(repeating ?? bytes.count) << 3 | kind << 1 | (isLast ? 1 : 0)
            return FuzzInput.bytes(of: header).prefix(3) + (repeating == nil ? Array(bytes) : [bytes.first ?? 0])
        }
    }

    private mutating func append(magic: UInt32, _ rest: [UInt8]) { bytes += FuzzInput.bytes(of: magic) + rest }

    /// A single-segment frame has no window of its own: its content is the window, and its blocks may be as large as
    /// that.
    private mutating func append(_ blocks: [Block], window: UInt8, size: UInt64?, isSegment: Bool) {
        var frame: [UInt8] = [(size == nil ? 0 : 0xc0) | (isSegment ? 0x20 : 0)]
        if !isSegment { frame.append(window) }
        if let size { frame += FuzzInput.bytes(of: size) }
        let blocks = blocks.isEmpty ? [Block(bytes: [], repeating: nil)] : blocks
        for (number, block) in blocks.enumerated() { frame += block.encoded(isLast: number == blocks.count - 1) }
        append(magic: 0xFD2F_B528, frame)
    }

    static let recipes: [[UInt8]] = [
        [], [0x02, 0x04, 5, 0] + Array("hello".utf8), [0x03, 0x05, 0, 1, 7],
        [0x0f, 1, 0x50, 0x01, 0xff, 0xff, 9, 0x00, 3],
        [0x60] + Array(repeating: [1, 0xff, 0xff, 3], count: 8).flatMap { $0 },
    ]
}
