// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// The bytes of a blob that the body of a successful answer holds, by its header.
///
/// `Content-Range` decides if there is one, whatever the status: some proxies answer a range with status 200 and only
/// the part. Without it, the status decides. A malformed or contradictory header is refused, since the bytes could be
/// put in a wrong place.
enum AnswerExtent: Equatable {
    /// All of the blob, as from a server that ignores `Range`.
    case whole
    /// A part of the blob; offsets in the blob.
    case part(ByteRange)

    /// Why it is not certain where the body belongs, as a clause for a message.
    struct Contradiction: Error { let reason: String }

    /// `blobSize`: length of the blob in bytes, by its descriptor.
    init(_ response: HTTPResponse, blobSize: UInt64) throws(Contradiction) {
        // Only one range was requested. The boundaries in the body would be taken for content.
        guard !response.isMultipart else { throw Contradiction(reason: "the answer to one range has several parts") }
        guard let text = response.headers["content-range"] else {
            guard response.status == 200 else {
                throw Contradiction(reason: "HTTP \(response.status) without a Content-Range")
            }
            if let length = response.contentLength { try Self.check(total: length, blobSize) }
            self = .whole
            return
        }
        guard let content = ContentRange(text) else {
            throw Contradiction(reason: "the answer's Content-Range is “\(EntryPath.printable(Array(text.utf8)))”")
        }
        if let total = content.total { try Self.check(total: total, blobSize) }
        let range = content.range
        guard range.end <= blobSize else {
            throw Contradiction(reason: "the answer reaches to byte \(range.end), the manifest says \(blobSize)")
        }
        if let length = response.contentLength, length != range.count {
            throw Contradiction(
                reason: "the answer has \(range.count) bytes by its Content-Range and \(length) by its Content-Length")
        }
        self = response.status == 200 && range == ByteRange(upTo: blobSize) ? .whole : .part(range)
    }

    private static func check(total: UInt64, _ blobSize: UInt64) throws(Contradiction) {
        guard total == blobSize else {
            throw Contradiction(reason: "the registry has \(total) bytes, the manifest says \(blobSize)")
        }
    }
}
