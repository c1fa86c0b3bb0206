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
    private let patience: Int
    private let resolvePatience: Int
    let client: HTTPClient
    let authorizer: Authorizer
    /// Where blobs were had last, by path: registries before a CDN send each request on.
    let redirects = Mutex<[String: HTTPURL]>([:])
    /// Decided by the first answer where the settings leave it open.
    let scheme: Mutex<HTTPURL.Scheme?>

    /// A request for several ranges was not answered with all of them.
    private let givesSingleRanges = Atomic(false)

    /// By request, as each may have a trouble of its own.
    let troubles = Mutex<[UInt64: String]>([:])
    let nextTrouble = Atomic<UInt64>(0)
    var trouble: String? { troubles.withLock { $0.min { $0.key < $1.key }?.value } }

    /// Throws `SourceError` if certificates for the host cannot be used.
    init(_ reference: Reference, endpoint: RegistryEndpoint, settings: SourceSettings) throws(SourceError) {
        self.reference = reference
        host = endpoint.host
        repository = endpoint.repository
        patience = endpoint.isMirror ? settings.mirrorPatience : settings.timeout
        resolvePatience = endpoint.isMirror ? min(settings.resolvePatience, 2) : settings.resolvePatience
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
        var reader = ManifestReader(place: "\(reference)")
        do {
            try get(
                "manifests/\(name)", into: &reader, patience: resolvePatience, cancellation: Cancellation()
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
        var reader = RangeReader(blob: blob, range: range, place: "\(reference)")
        // Somebody waits at the prompt for a config, as for a manifest; it is as small.
        let patience = blob.mediaType == .kitConfig ? resolvePatience : patience
        try get(
            Self.path(of: blob), into: &reader, patience: patience, cancellation: cancellation, receive: receive)
    }

    /// By `multipart/byteranges`, which web servers and registries on a file system know, and most object stores behind
    /// others do not: one that does not is not asked again.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        var reader = MultipartReader(blob: blob, ranges: ranges)
        guard ranges.count > 1, !givesSingleRanges.load(ordering: .relaxed) else { return reader.parts }
        do {
            let response = try perform(Self.path(of: blob), &reader, patience, cancellation) {
                reader, response, piece in
                if response.isSuccess { try reader.receive(response, piece) { _ in } }
            }
            if response.isSuccess { reader.finish(response) }
            // A bad moment, or credentials: that says nothing.
            let isPassing = [401, 403, 408, 425, 429, 500, 502, 503, 504].contains(response.status)
            if !reader.hasAllParts, !isPassing { givesSingleRanges.store(true, ordering: .relaxed) }
        } catch is MultipartReader.Refused {
            givesSingleRanges.store(true, ordering: .relaxed)
        } catch {
            // The single fetch tells.
        }
        return reader.parts
    }

    private static func path(of blob: Descriptor) -> String { "blobs/\(blob.digest)" }
}
