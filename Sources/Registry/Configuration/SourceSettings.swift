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
    /// PEM files of a client certificate and its key.
    public var clientCertificate: String?
    public var clientKey: String?
    /// A proxy's URL for all hosts, instead of what `https_proxy` and the like say for those that `no_proxy` does not
    /// except.
    public var proxy: String?
    /// Where credentials are, instead of the usual files.
    public var authFile: String?
    /// Hears of settings of the user's that make reading unsafe; of one as often as it counts.
    public var warn: @Sendable (String) -> Void = { _ in }
    /// Ask nobody.
    public var isOffline = false
    /// Where `HOME`, `DOCKER_CONFIG` and the like are looked up.
    public var environment: [String: String]

    /// What it means that TLS is not verified.
    public static let risk = "whoever stands between may read and change what is sent"

    public init(environment: [String: String]) { self.environment = environment }

    /// Manifests are small and somebody waits at the prompt: a few seconds must do.
    var resolvePatience: Int { max(1, min(timeout, 6)) }
    /// A mirror that stands still must leave time for the next place.
    var mirrorPatience: Int { max(1, min(timeout / 4, 10)) }

    /// Throws `SourceError` if what certs.d has cannot be used.
    func http(for host: RegistryHost, isInsecure: Bool) throws(SourceError) -> HTTPSettings {
        var http = HTTPSettings(
            verifyTLS: verifyTLS && !isInsecure, caFile: caFile, connectTimeout: max(1, min(10, timeout / 2)),
            stallTimeout: max(1, timeout / 3))
        http.certificates = try HostCertificates(for: host, environment: environment)
        http.clientCertificate = clientCertificate
        http.clientKey = clientKey
        http.proxy = proxy
        // A proxy that somebody asked for is used, whatever the environment excepts.
        http.proxyExceptions = proxy == nil ? ProxyExceptions.list(environment: environment) : ""
        return http
    }

    /// The source of an artifact. Throws `SourceError` where we cannot read from such a place.
    public func source(for reference: Reference) throws(SourceError) -> any ArtifactSource {
        switch reference.origin {
        case .layout(let directory):
            return LayoutSource(reference, directory: directory)
        case .registry(let host, let repository):
            let store = LocalStore(environment: environment)
            let source =
                isOffline
                ? OfflineSource(reference: reference, name: "\(host)/\(repository)", store: store)
                : try registry(reference, host, repository)
            return store.map { LocalFirstSource(source, blobs: $0.blobs) } ?? source
        case .localStore(let repository):
            guard let store = LocalStore(environment: environment) else {
                throw .notFound("“\(repository)” has no host, and without $HOME there is no local store of kit's")
            }
            return LocalStoreSource(reference, repository: repository, store: store)
        }
    }

    private func registry(
        _ reference: Reference, _ host: RegistryHost, _ repository: Repository
    ) throws(SourceError) -> any ArtifactSource {
        let endpoints = try RegistriesConfiguration(environment: environment).endpoints(host, repository)
        var places: [any ArtifactSource] = []
        for endpoint in endpoints where endpoint.serves(reference) {
            if endpoint.isInsecure { warn("\(endpoint.host) is insecure in registries.conf: \(Self.risk)") }
            do {
                places.append(try RegistrySource(reference, endpoint: endpoint, settings: self))
            } catch {
                // A mirror that is set up wrongly is passed over as one that is broken.
                guard endpoint.isMirror else { throw error }
            }
        }
        return places.count == 1 ? places[0] : MirroredSource(reference, places: places)
    }
}

/// Stands for a registry that is not to be asked.
struct OfflineSource: ArtifactSource, OriginSource {
    let reference: Reference
    /// Registry and repository, as kit's local store calls them.
    let name: String
    let store: LocalStore?

    /// What `kit pull` has brought is here.
    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        let tag = reference.tag ?? .latest
        if digest == nil, reference.digest == nil, let store, let known = try store.digest(of: tag, in: name) {
            return try store.blobs.document(known)
        }
        throw .unreachable("\(reference) is not in the cache, and --offline asks nobody")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        throw SourceError.unreachable("blob \(blob.digest) is not in the cache, and --offline asks nobody")
    }
}
