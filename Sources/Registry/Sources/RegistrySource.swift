// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import Synchronization

/// An artifact in a registry that speaks the OCI distribution protocol.
///
/// Spec: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull>.
final class RegistrySource: ArtifactSource, OriginSource {
    let reference: Reference
    let host: RegistryHost
    let repository: Repository
    /// Seconds without progress after which to give up, for layers, and for manifests and configs.
    private let progressTimeout: Int
    private let resolveTimeout: Int
    let client: HTTPClient
    let authorizer: Authorizer
    /// URLs that blobs were last redirected to, by path. A registry with a CDN redirects each request.
    let redirects = Mutex<[String: HTTPURL]>([:])
    /// nil until the first answer decides, if the settings do not.
    let scheme: Mutex<HTTPURL.Scheme?>

    /// Whether a request for several ranges was not answered with all of them.
    private let givesSingleRanges = Atomic(false)

    /// Why requests are being retried, by request.
    let troubles = Mutex<[UInt64: String]>([:])
    let nextTrouble = Atomic<UInt64>(0)
    var trouble: String? { troubles.withLock { $0.min { $0.key < $1.key }?.value } }

    /// Throws `SourceError` if certificates for the host are unusable.
    init(_ reference: Reference, endpoint: RegistryEndpoint, settings: SourceSettings) throws(SourceError) {
        self.reference = reference
        host = endpoint.host
        repository = endpoint.repository
        progressTimeout = endpoint.isMirror ? settings.mirrorTimeout : settings.timeout
        resolveTimeout = endpoint.isMirror ? min(settings.resolveTimeout, 2) : settings.resolveTimeout
        client = HTTPClient(try settings.http(for: host, isInsecure: endpoint.isInsecure))
        authorizer = Authorizer(
            host: host, repository: repository,
            store: CredentialStore(authFile: settings.authFile, environment: settings.environment))
        scheme = Mutex(
            settings.plainHTTP ? .http : host.isLoopback || endpoint.isInsecure || !settings.verifyTLS ? nil : .https)
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        let expected = digest ?? reference.digest
        let name = expected?.description ?? reference.tag?.description ?? Tag.latest.description
        var reader = ManifestReader(artifact: "\(reference)")
        do {
            try get(
                "manifests/\(name)", into: &reader, progressTimeout: resolveTimeout, cancellation: Cancellation()
            ) { _ in }
        } catch let error as SourceError {
            throw error
        } catch {
            throw .unreachable("\(error)")
        }
        return try ResolvedDocument(bytes: reader.bytes, expected: expected, at: "\(reference)")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        guard !range.isEmpty else { return }
        var reader = RangeReader(blob: blob, range: range, artifact: "\(reference)")
        // A user waits at the prompt for a config as for a manifest, and it is as small.
        let progressTimeout = blob.mediaType == .kitConfig ? resolveTimeout : progressTimeout
        try get(
            Self.path(of: blob), into: &reader, progressTimeout: progressTimeout, cancellation: cancellation,
            receive: receive)
    }

    /// Uses `multipart/byteranges`, which web servers and registries on a file system support, and most object stores
    /// behind others do not. A registry that does not is not asked again.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        var reader = MultipartReader(blob: blob, ranges: ranges)
        guard ranges.count > 1, !givesSingleRanges.load(ordering: .relaxed) else { return reader.parts }
        do {
            let response = try perform(Self.path(of: blob), &reader, progressTimeout, cancellation) {
                reader, response, piece in
                if response.isSuccess { try reader.receive(response, piece) { _ in } }
            }
            if response.isSuccess { reader.finish(response) }
            // Transient and authorisation failures say nothing about multi-range support.
            let isPassing = [401, 403, 408, 425, 429, 500, 502, 503, 504].contains(response.status)
            if !reader.hasAllParts, !isPassing { givesSingleRanges.store(true, ordering: .relaxed) }
        } catch is MultipartReader.Refused {
            givesSingleRanges.store(true, ordering: .relaxed)
        } catch {
            // A cause that persists is reported by the single fetch.
        }
        return reader.parts
    }

    private static func path(of blob: Descriptor) -> String { "blobs/\(blob.digest)" }
}
