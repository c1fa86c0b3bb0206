// SPDX-License-Identifier: Apache-2.0
public import OCI

/// How to reach registries. Times are in seconds.
public struct SourceSettings: Sendable {
    /// Speak HTTP without TLS.
    public var plainHTTP = false
    public var verifyTLS = true
    /// A PEM file of the only authorities to trust.
    public var caFile: String?
    /// A transfer without progress for so long is given up, in all at most 1.5 times that.
    public var timeout = 60
    /// Ask nobody.
    public var isOffline = false
    /// Where `HOME` and `DOCKER_CONFIG` are looked up.
    public var environment: [String: String]

    public init(environment: [String: String]) { self.environment = environment }

    /// Manifests are small and somebody waits at the prompt: a tenth of the time must do.
    var resolvePatience: Int { max(1, min(timeout, 6)) }

    var http: HTTPSettings {
        HTTPSettings(
            verifyTLS: verifyTLS, caFile: caFile, connectTimeout: max(1, min(10, timeout / 2)),
            stallTimeout: max(1, timeout / 3))
    }

    /// The source of an artifact. Throws `SourceError` where we cannot read from such a place.
    public func source(for reference: Reference) throws(SourceError) -> any ArtifactSource {
        switch reference.origin {
        case .layout(let directory):
            return LayoutSource(reference, directory: directory)
        case .registry(let host, let repository):
            if isOffline { return OfflineSource(reference: reference) }
            return RegistrySource(reference, host: host, repository: repository, settings: self)
        case .localStore(let repository):
            throw .notFound(
                "“\(repository)” has no host, so it would be in kit's local store, which this version cannot read yet; "
                    + "write HOST/\(repository), or oci:DIR for an OCI image layout")
        }
    }
}

/// Stands for a registry that is not to be asked.
struct OfflineSource: ArtifactSource {
    let reference: Reference

    func resolve() throws(SourceError) -> ResolvedManifest {
        throw .unreachable("\(reference) is not in the cache, and --offline asks nobody")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        throw SourceError.unreachable("blob \(blob.digest) is not in the cache, and --offline asks nobody")
    }
}
