// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

extension RegistrySource {
    /// Repeats the request until the reader has all it needs, an error is final, or `progressTimeout` seconds pass
    /// without progress. Throws `SourceError`, and what `receive` throws.
    func get(
        _ path: String, into reader: inout some ResponseReader, progressTimeout: Int, cancellation: Cancellation,
        receive: (RawSpan) throws -> Void
    ) throws {
        var backoff = Backoff(progressTimeout: progressTimeout, host: host)
        let trouble = nextTrouble.wrappingAdd(1, ordering: .relaxed).oldValue
        var isTroubled = false
        func setTrouble(_ text: String?) {
            guard isTroubled || text != nil else { return }
            isTroubled = text != nil
            troubles.withLock { $0[trouble] = text }
        }
        defer { setTrouble(nil) }
        while true {
            var lastProgress: ContinuousClock.Instant?
            var problem: String
            var retryAfter: Double?
            do {
                var message: [UInt8] = []
                let response = try perform(path, &reader, progressTimeout, cancellation) { reader, response, piece in
                    if response.isSuccess {
                        let reached = reader.reached
                        try reader.receive(response, piece, into: receive)
                        if reader.reached > reached {
                            lastProgress = .now
                            setTrouble(nil)
                        }
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
            } catch HTTPFailure.settings(let text), HTTPFailure.untrusted(let text) {
                throw SourceError.unreachable("\(host): \(text)")
            } catch HTTPFailure.busy(let text, let seconds) {
                problem = text
                retryAfter = seconds
            } catch HTTPFailure.transport(let text), HTTPFailure.refused(let text), HTTPFailure.handshake(let text) {
                if reader.hasAll { return }
                // libcurl does not distinguish a handshake that cannot succeed from one that the network broke.
                problem = text
            }
            if let lastProgress { backoff.madeProgress(at: lastProgress) }
            setTrouble("\(host): \(problem); trying again")
            try backoff.wait(after: problem, retryAfter: retryAfter, cancellation: cancellation)
        }
    }

    /// Performs one request, over TLS by default. On loopback, as in docker, and without TLS verification, as in
    /// skopeo, plain HTTP is tried if TLS fails.
    func perform<Reader: ResponseReader>(
        _ path: String, _ reader: inout Reader, _ progressTimeout: Int, _ cancellation: Cancellation,
        receive: (inout Reader, HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse {
        func send(_ scheme: HTTPURL.Scheme, _ reader: inout Reader) throws -> HTTPResponse {
            let tokens = TokenClient(
                client: client, host: host, isPlain: scheme == .http, progressTimeout: progressTimeout)
            func send(_ authorization: Authorization?) throws -> HTTPResponse {
                var request = reader.request(
                    HTTPURL(scheme, host.endpoint, path: "/v2/\(host.path(repository))/\(path)"))
                request.authorization = authorization
                request.progressTimeout = progressTimeout
                return try client.perform(request, cancellation: cancellation) { try receive(&reader, $0, $1) }
            }
            var authorization = try authorizer.authorization(tokens, cancellation)
            var response = try send(authorization)
            // A token may be missing, and a new one may lack a scope. Each kind of refusal is answered once.
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
        if let response = try performRedirected(path, &reader, progressTimeout, cancellation, receive: receive) {
            return response
        }
        if let known = scheme.withLock({ $0 }) { return try send(known, &reader) }
        let failure: String
        do {
            let response = try send(.https, &reader)
            scheme.withLock { $0 = .https }
            return response
        } catch HTTPFailure.handshake(let text), HTTPFailure.refused(let text) {
            failure = text
        }
        let response = try send(.http, &reader)
        // A port for TLS answers plain HTTP so. The failure of the handshake was transient.
        if response.status == 400 { throw HTTPFailure.transport(failure) }
        scheme.withLock { $0 = .http }
        return response
    }

    /// Requests the URL that the registry redirected to before, without authorization. nil if there is none or it is
    /// refused, since such URLs are signed for some minutes.
    private func performRedirected<Reader: ResponseReader>(
        _ path: String, _ reader: inout Reader, _ progressTimeout: Int, _ cancellation: Cancellation,
        receive: (inout Reader, HTTPResponse, RawSpan) throws -> Void
    ) throws -> HTTPResponse? {
        guard let target = redirects.withLock({ $0[path] }) else { return nil }
        do {
            var request = reader.request(target)
            request.progressTimeout = progressTimeout
            let response = try client.perform(request, cancellation: cancellation) { response, piece in
                // The body of a refusal is not passed on: the registry is asked next.
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

    /// A message for a status that a retry may change; throws for a final one. Spec: "Error Codes".
    private func retryable(_ response: HTTPResponse, _ path: String, _ body: [UInt8]) throws(SourceError) -> String {
        let what = "\(host)/\(repository)/\(path)"
        let detail = RegistryErrors.summary(of: body).map { ": \($0)" } ?? ""
        switch response.status {
        case 401, 403:
            throw .unauthorized(
                "\(what): the registry refuses (HTTP \(response.status))\(detail); log in with `docker login \(host)`, "
                    + "or check that you may pull from this repository")
        case 404:
            throw .notFound("\(what): not found (HTTP 404)\(detail); check the name and the tag")
        case 408, 425, 429, 500...599:
            return "HTTP \(response.status)\(detail)"
        default:
            throw .unusable("\(what): HTTP \(response.status)\(detail)")
        }
    }
}
