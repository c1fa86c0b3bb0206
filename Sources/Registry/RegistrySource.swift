// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// An artifact in a registry that speaks the OCI distribution protocol.
///
/// Spec: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull>.
final class RegistrySource: ArtifactSource {
    let reference: Reference
    private let host: RegistryHost
    private let repository: Repository
    /// Seconds without progress after which to give up, for blobs and for manifests.
    private let patience: Int
    private let resolvePatience: Int
    private let client: HTTPClient
    private let authorizer: Authorizer
    /// Where blobs were had last, by path: registries before a CDN send each request on.
    private let redirects = Mutex<[String: String]>([:])
    /// Decided by the first answer where the settings leave it open.
    private let scheme: Mutex<Scheme?>

    private enum Scheme: String { case http, https }

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
        scheme = Mutex(settings.plainHTTP ? .http : host.isLoopback || endpoint.isInsecure ? nil : .https)
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
        try get(
            "blobs/\(blob.digest)", into: &reader, patience: patience, cancellation: cancellation,
            receive: receive)
    }
}

// MARK: - Requests

extension RegistrySource {
    /// Asks until the reader has all it wants, the error is final, or `patience` seconds went by without progress.
    /// Throws `SourceError`, and what `receive` throws.
    private func get(
        _ path: String, into reader: inout some ResponseReader, patience: Int, cancellation: Cancellation,
        receive: (RawSpan) throws -> Void
    ) throws {
        var backoff = Backoff(patience: patience, host: host)
        while true {
            var lastProgress: ContinuousClock.Instant?
            var problem: String
            var retryAfter: Double?
            do {
                var message: [UInt8] = []
                let response = try perform(path, &reader, cancellation) { reader, response, piece in
                    if response.isSuccess {
                        let reached = reader.reached
                        try reader.receive(response, piece, into: receive)
                        if reader.reached > reached { lastProgress = .now }
                    } else if message.count < 4096 {
                        piece.withUnsafeBytes { message.append(contentsOf: $0) }
                    }
                }
                if response.isSuccess {
                    if reader.isComplete { return }
                    problem = "the answer ended too early"
                } else {
                    problem = try retryable(response, path, message)
                    retryAfter = response.retryAfter
                }
            } catch is ResponseComplete {
                return
            } catch HTTPFailure.cancelled {
                throw SourceError.cancelled
            } catch HTTPFailure.settings(let text) {
                throw SourceError.unreachable("\(host): \(text)")
            } catch HTTPFailure.transport(let text), HTTPFailure.handshake(let text) {
                if reader.hasAll { return }
                // libcurl does not tell a handshake that cannot be from one that the network broke.
                problem = text
            }
            if let lastProgress { backoff.madeProgress(at: lastProgress) }
            try backoff.wait(after: problem, retryAfter: retryAfter, cancellation: cancellation)
        }
    }

    /// One request, over TLS unless told otherwise; a registry on loopback may also speak plain HTTP, as with docker.
    private func perform<Reader: ResponseReader>(
        _ path: String, _ reader: inout Reader, _ cancellation: Cancellation,
        receive: (inout Reader, HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse {
        func send(_ scheme: Scheme, _ reader: inout Reader) throws -> HTTPResponse {
            let tokens = TokenClient(client: client, host: host, isPlain: scheme == .http)
            func send(_ authorization: Authorization?) throws -> HTTPResponse {
                var request = reader.request(
                    "\(scheme.rawValue)://\(host.endpoint)/v2/\(host.path(repository))/\(path)")
                request.authorization = authorization
                return try client.perform(request, cancellation: cancellation) { try receive(&reader, $0, $1) }
            }
            var authorization = try authorizer.authorization(tokens, cancellation)
            var response = try send(authorization)
            // A token may be missing, and then lack a scope: each kind of refusal is answered once.
            var refusals: Set<Int> = []
            while response.mayBeRefusal, refusals.insert(response.status).inserted,
                let again = try authorizer.answer(response, authorization, tokens, cancellation)
            {
                authorization = again
                response = try send(again)
            }
            if response.isSuccess, let target = response.redirectedTo { redirects.withLock { $0[path] = target } }
            return response
        }
        if let response = try performRedirected(path, &reader, cancellation, receive: receive) { return response }
        if let known = scheme.withLock({ $0 }) { return try send(known, &reader) }
        do {
            let response = try send(.https, &reader)
            scheme.withLock { $0 = .https }
            return response
        } catch HTTPFailure.handshake {
            let response = try send(.http, &reader)
            scheme.withLock { $0 = .http }
            return response
        }
    }

    /// Asks where the registry sent us before, without its authorization; nil if it did not, or that place refuses by
    /// now: such addresses are signed for some minutes.
    private func performRedirected<Reader: ResponseReader>(
        _ path: String, _ reader: inout Reader, _ cancellation: Cancellation,
        receive: (inout Reader, HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse? {
        guard let target = redirects.withLock({ $0[path] }) else { return nil }
        do {
            let response = try client.perform(reader.request(target), cancellation: cancellation) { response, piece in
                // A refusal's text is nobody's answer: the registry is asked.
                if response.isSuccess { try receive(&reader, response, piece) }
            }
            if response.isSuccess { return response }
        } catch let failure as HTTPFailure {
            redirects.withLock { $0[path] = nil }
            throw failure
        }
        redirects.withLock { $0[path] = nil }
        return nil
    }

    /// What a status says: text if it may be another one soon, else the error. Spec: "Error Codes".
    private func retryable(_ response: HTTPResponse, _ path: String, _ body: [UInt8]) throws(SourceError) -> String {
        let what = "\(host)/\(repository)/\(path)"
        let detail = RegistryErrors.summary(of: body).map { ": \($0)" } ?? ""
        switch response.status {
        case 401, 403:
            throw .unauthorized(
                "\(what): the registry refuses (HTTP \(response.status))\(detail); log in with `docker login \(host)`, "
                    + "or check that you may pull from this repository")
        case 404:
            throw .notFound("\(what): not there (HTTP 404)\(detail); check the name and the tag")
        case 408, 425, 429, 500...599:
            return "HTTP \(response.status)\(detail)"
        default:
            throw .unusable("\(what): HTTP \(response.status)\(detail)")
        }
    }
}

extension RegistryHost {
    /// Whether it names this very machine.
    var isLoopback: Bool {
        let name = description.hasPrefix("[") ? description.prefix { $0 != "]" } : description.prefix { $0 != ":" }
        // An address in full: 127.0.0.1.example.com is anybody's.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        return name == "localhost" || isIPv4 && parts[0] == "127" || name == "[::1"
    }
}
