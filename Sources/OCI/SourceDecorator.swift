// SPDX-License-Identifier: Apache-2.0

/// A source that changes some of what another source does. What it does not define is forwarded to `base`.
///
/// Only `smallBlob` is not forwarded: it uses `fetch` and `distrust`, which the decorator may define.
public protocol SourceDecorator: ArtifactSource {
    var base: any ArtifactSource { get }
}

extension SourceDecorator {
    public var reference: Reference { base.reference }

    public var trouble: String? { base.trouble }

    public func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument { try base.resolve(digest) }

    public func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try base.fetch(blob, range: range, cancellation: cancellation, receive: receive)
    }

    public func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        base.parts(of: blob, ranges, cancellation: cancellation)
    }

    public func distrust(_ blob: Descriptor) -> Bool { base.distrust(blob) }
}
