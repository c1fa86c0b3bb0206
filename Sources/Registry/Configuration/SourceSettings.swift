// SPDX-License-Identifier: Apache-2.0
public import OCI

/// Settings of access to registries. Times are in seconds.
public struct SourceSettings: Sendable {
    /// Whether to use HTTP without TLS.
    public var plainHTTP = false
    public var verifyTLS = true
    /// A PEM file of the authorities to trust instead of the system's.
    public var caFile: String?
    /// A transfer without progress for this long is given up, after at most 1.5 times this long.
    public var timeout = 60
    /// PEM files of a client certificate and its key.
    public var clientCertificate: String?
    public var clientKey: String?
    /// URL of a proxy for all hosts. It overrides `https_proxy` and the like, and `no_proxy`.
    public var proxy: String?
    /// The file with credentials, instead of the usual ones.
    public var authFile: String?
    /// Gets warnings of settings that are unsafe or unusable, each as often as it applies.
    public var warn: @Sendable (String) -> Void = { _ in }
    /// Whether no registry is accessed.
    public var isOffline = false
    /// Has `HOME`, `DOCKER_CONFIG` and the like.
    public var environment: [String: String]

    /// The risk of TLS that is not verified.
    public static let risk = "whoever stands between may read and change what is sent"

    public init(environment: [String: String]) { self.environment = environment }

    /// Manifests are small, and a user waits at the prompt: a few seconds must suffice.
    var resolveTimeout: Int { max(1, min(timeout, 6)) }
    /// A mirror that stalls must leave time for the next endpoint.
    var mirrorTimeout: Int { max(1, min(timeout / 4, 10)) }

    /// Throws `SourceError` if the content of certs.d is unusable.
    func http(for host: RegistryHost, isInsecure: Bool) throws(SourceError) -> HTTPSettings {
        var http = HTTPSettings(
            verifyTLS: verifyTLS && !isInsecure, caFile: caFile, connectTimeout: max(1, min(10, timeout / 2)),
            stallTimeout: max(1, timeout / 3))
        http.certificates = try HostCertificates(for: host, environment: environment)
        http.clientCertificate = clientCertificate
        http.clientKey = clientKey
        http.proxy = proxy
        // A proxy that the user named is used for all hosts, whatever the environment excepts.
        http.proxyExceptions = proxy == nil ? ProxyExceptions.list(environment: environment) : ""
        return http
    }

    /// The source of an artifact. Throws `SourceError` if there can be none for the reference.
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
        var sources: [any ArtifactSource] = []
        for endpoint in endpoints where endpoint.serves(reference) {
            if endpoint.isInsecure { warn("\(endpoint.host) is insecure in registries.conf: \(Self.risk)") }
            do {
                sources.append(try RegistrySource(reference, endpoint: endpoint, settings: self))
            } catch {
                // A misconfigured mirror is skipped, as one that fails.
                guard endpoint.isMirror else { throw error }
                warn("the mirror \(endpoint.host) is not used: \(error)")
            }
        }
        return sources.count == 1 ? sources[0] : MirroredSource(reference, sources: sources)
    }
}
