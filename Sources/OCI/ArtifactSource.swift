// SPDX-License-Identifier: Apache-2.0

/// A source that can be asked for one artifact by its reference.
public protocol ArtifactSource: BlobSource {
    var reference: Reference { get }

    /// Fetches a manifest or index by `digest`; without one, by the digest of the reference, else by its tag. The bytes
    /// are verified against the digest. Throws `SourceError`.
    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument
}

extension ArtifactSource {
    public func resolve() throws(SourceError) -> ResolvedDocument { try resolve(nil) }
}
