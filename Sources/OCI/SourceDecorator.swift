// SPDX-License-Identifier: Apache-2.0

/// A source that stands before another and changes some of what it does. What it does not define goes to `base`.
///
/// `smallBlob` alone is not forwarded: it is made of `fetch` and `distrust`, which the decorator may have changed.
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
