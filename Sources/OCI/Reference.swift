// SPDX-License-Identifier: Apache-2.0

/// Names an artifact by its origin and its tag or digest.
///
/// Kit's own rules: `HOST[:PORT]/REPO[:TAG][@DIGEST]`. A first part without a dot or a colon is not a host, and the
/// artifact is in kit's local store. `oci:DIR[:TAG][@DIGEST]` is an OCI image layout. No tag means `latest`.
/// Spec of names and tags: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>.
public struct Reference: Hashable, Sendable {
    public enum Origin: Hashable, Sendable {
        case registry(host: RegistryHost, repository: Repository)
        case localStore(repository: Repository)
        case layout(directory: String)
    }

    public let origin: Origin
    /// nil if only a digest was given.
    public let tag: Tag?
    public let digest: Digest?

    public init(origin: Origin, tag: Tag?, digest: Digest?) {
        self.origin = origin
        self.tag = tag ?? (digest == nil ? .latest : nil)
        self.digest = digest
    }

    /// The same artifact, pinned to a digest.
    public func pinned(to digest: Digest) -> Reference { Reference(origin: origin, tag: tag, digest: digest) }
}

extension Reference: CustomStringConvertible {
    public var description: String {
        let base =
            switch origin {
            case .registry(let host, let repository): "\(host)/\(repository)"
            case .localStore(let repository): "\(repository)"
            case .layout(let directory): "oci:\(directory)"
            }
        return base + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
