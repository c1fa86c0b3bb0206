// SPDX-License-Identifier: Apache-2.0
private import CDeflate
internal import OCI

/// Inflates a gzip stream of one or several members by ISA-L, piece by piece, and checks the CRC of each member.
///
/// Spec: RFC 1952; several members: section 2.2. A reference type because ISA-L's state of 90 KB must not move.
/// Used by one thread at a time.
public final class GzipInflater: Decompressor {
    private let state: UnsafeMutablePointer<inflate_state>
    private let output: UnsafeMutableRawBufferPointer
    private var phase = Phase.header(GzipHeader())
    /// Bytes of the compressed stream taken so far: the offset in errors.
    private(set) var position: UInt64 = 0

    private enum Phase { case header(GzipHeader), inside, between, padding }

    /// Output comes in pieces of at most this many bytes.
    public static let pieceSize = 1 << 20

    public init() {
        state = .allocate(capacity: 1)
        output = .allocate(byteCount: Self.pieceSize, alignment: 4096)
    }

    deinit {
        state.deallocate()
        output.deallocate()
    }

    /// ISA-L reads from the end of the header on, and checks the trailer.
    private func beginDeflate() {
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
        phase = .inside
    }

    public func push(_ bytes: RawSpan, output inflated: (RawSpan) throws -> Void) throws {
        try bytes.withUnsafeBytes { input in
            var rest = input[...]
            while let first = rest.first {
                switch phase {
                case .between where first == 0, .padding:
                    // Tapes and some tools pad with zeros. Nothing else may follow them.
                    guard first == 0 else { throw Self.corrupt("what follows the padding is not gzip", position) }
                    phase = .padding
                    rest.removeFirst()
                    position += 1
                case .between:
                    phase = .header(GzipHeader())
                case .header(var header):
                    do throws(GzipHeader.Refusal) {
                        let isLast = try header.take(first)
                        phase = .header(header)
                        if isLast { beginDeflate() }
                    } catch {
                        throw Self.corrupt(error.reason, position)
                    }
                    rest.removeFirst()
                    position += 1
                case .inside:
                    let taken = try inflate(UnsafeRawBufferPointer(rebasing: rest), inflated)
                    rest = rest.dropFirst(taken)
                }
            }
        }
    }

    /// Inflates until the input is used up or a member ends; returns the bytes taken.
    private func inflate(_ input: UnsafeRawBufferPointer, _ inflated: (RawSpan) throws -> Void) throws -> Int {
        // next_in is not const in ISA-L's declaration, but is only read from.
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        state.pointee.avail_in = UInt32(clamping: input.count)
        let offered = Int(state.pointee.avail_in)
        repeat {
            state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            state.pointee.avail_out = UInt32(output.count)
            let result = isal_inflate(state)
            guard result == ISAL_DECOMP_OK || result == ISAL_END_INPUT else {
                // On an error ISA-L gives back input that it took and did not use, also of earlier pieces.
                let taken = Int64(offered) - Int64(state.pointee.avail_in)
                throw Self.corrupt(Self.reason(result), UInt64(clamping: Int64(clamping: position) + taken))
            }
            let produced = output.count - Int(state.pointee.avail_out)
            if produced > 0 { try inflated(UnsafeRawBufferPointer(output).bytes.extracting(0..<produced)) }
        } while !isFinished && (state.pointee.avail_in > 0 || state.pointee.avail_out == 0)
        let taken = offered - Int(state.pointee.avail_in)
        position += UInt64(taken)
        if isFinished { phase = .between }
        return taken
    }

    private var isFinished: Bool { state.pointee.block_state == ISAL_BLOCK_FINISH }

    public func finish() throws(CompressionError) {
        switch phase {
        case .between, .padding: return
        case .header, .inside: throw .truncated(.gzip, offset: position)
        }
    }

    private static func corrupt(_ reason: String, _ offset: UInt64) -> CompressionError {
        .corrupt(.gzip, reason: reason, offset: offset)
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ISAL_INVALID_BLOCK: "a block is invalid"
        case ISAL_INVALID_SYMBOL: "a symbol is invalid"
        case ISAL_INVALID_LOOKBACK: "a match points before the start"
        case ISAL_INCORRECT_CHECKSUM: "the checksum is wrong"
        default: "ISA-L error \(code)"
        }
    }
}
