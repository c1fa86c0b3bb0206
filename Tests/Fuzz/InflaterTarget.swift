// SPDX-License-Identifier: Apache-2.0
import OCI

@testable import LayerFormat

/// A decompressor of streams. To fuzz another one, make it conform and add an entry below.
protocol FuzzedInflater: Decompressor {
    init()
}

extension GzipInflater: FuzzedInflater {}

extension FuzzTarget {
    static let gzip = FuzzTarget(name: "gzip") { bytes in
        let inflation = Inflation(bytes, GzipInflater.self)
        // A wrong CRC hides what follows the member. It is corrected, and the stream is parsed again.
        guard case .corrupt(.gzip, "the checksum is wrong", let end) = inflation.error as? CompressionError,
            end <= bytes.count, end >= 18
        else { return }
        var mended = bytes
        let trailer =
            FuzzInput.bytes(of: CRC32.of(inflation.output))
            + FuzzInput.bytes(of: UInt32(truncatingIfNeeded: inflation.count))
        mended.replaceSubrange(Int(end) - 8..<Int(end), with: trailer)
        _ = Inflation(mended, GzipInflater.self)
    }
}

/// Inflates a stream at once and in pieces. Both must give the same.
struct Inflation {
    private(set) var output: [UInt8] = []
    private(set) var count = 0
    private(set) var error: (any Error)?

    /// Inflation stops after this many bytes, in case of a decompression bomb.
    private static let limit = 1 << 20
    private struct Enough: Error {}

    init<Inflater: FuzzedInflater>(_ bytes: [UInt8], _ type: Inflater.Type) {
        self.init(type) { try $0(bytes.span.bytes) }
        let pieces = Inflation(type) { try Pieces.push(bytes, $0) }
        require(
            (error == nil) == (pieces.error == nil),
            "\(String(describing: error)), in pieces \(String(describing: pieces.error))")
        if error == nil { require(output == pieces.output, "\(count) bytes, in pieces \(pieces.count)") }
    }

    private init<Inflater: FuzzedInflater>(
        _ type: Inflater.Type, _ push: ((RawSpan) throws -> Void) throws -> Void
    ) {
        let inflater = Inflater()
        do {
            try push { piece in
                try inflater.push(piece) { inflated in
                    require(inflated.byteCount > 0, "an empty piece")
                    inflated.withUnsafeBytes { output.append(contentsOf: $0) }
                    count += inflated.byteCount
                    if count > Self.limit { throw Enough() }
                }
            }
            try inflater.finish()
        } catch {
            require(error is CompressionError || error is Enough, "\(error)")
            self.error = error
        }
    }
}

/// gzip's checksum.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        var value = UInt32(byte)
        for _ in 0..<8 { value = (value >> 1) ^ (value & 1 == 0 ? 0 : 0xedb8_8320) }
        return value
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xffff_ffff) { ($0 >> 8) ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
