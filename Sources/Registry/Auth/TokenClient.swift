// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Fetches access tokens from the realm of a challenge.
///
/// Spec: <https://distribution.github.io/distribution/spec/auth/token/> (GET, with Basic or anonymously) and
/// <https://distribution.github.io/distribution/spec/auth/oauth/> (POST, for identity tokens).
struct TokenClient: Sendable {
    let client: HTTPClient
    let host: RegistryHost
    /// Whether the registry itself is accessed without TLS.
    let isPlain: Bool
    /// Seconds without a byte after which to give up.
    let progressTimeout: Int

    private static let clientID = "kitfs"
    private static let sizeLimit = 1 << 20

    /// `scope`: that of the challenge, or pulling from the repository. Throws `SourceError`, `HTTPFailure`.
    func token(
        _ challenge: Challenge.Bearer, scope: String, credential: Credential?, cancellation: Cancellation
    ) throws -> AccessToken {
        guard let realm = Realm(challenge.realm), realm.isSecure || isPlain else {
            throw SourceError.unusable(
                "\(host) requires a token from “\(challenge.realm.prefix(200))”, which is not an https URL")
        }
        let isTrusted = realm.belongs(to: host)
        if credential != nil, !isTrusted {
            // A registry, or an attacker on the way, could name any host to get the password.
            throw SourceError.unauthorized(
                "\(host) requires a token from \(realm.host), which is of another site: credentials are not sent there"
            )
        }
        var query: [(String, String)] = []
        if let service = challenge.service { query.append(("service", service)) }
        query.append(("scope", scope))
        if case .identityToken(let refresh)? = credential {
            let form =
                [("grant_type", "refresh_token"), ("client_id", Self.clientID), ("refresh_token", refresh)] + query
            var request = HTTPRequest(url: realm.url)
            request.form = form
            let answer = try perform(request, cancellation)
            // GHCR and others do not support POST. They accept the token as a password.
            if answer.response.status != 404, answer.response.status != 405 { return try read(answer, realm) }
            return try get(
                query, BasicCredentials(user: "<token>", password: refresh), realm, cancellation)
        }
        var basic: BasicCredentials?
        if case .basic(let credentials)? = credential {
            basic = credentials
            query.append(("account", credentials.user))
        }
        return try get(query, basic, realm, cancellation)
    }

    private func get(
        _ query: [(String, String)], _ credentials: BasicCredentials?, _ realm: Realm, _ cancellation: Cancellation
    ) throws -> AccessToken {
        var request = HTTPRequest(url: realm.url.appending(query: query))
        if let credentials { request.authorization = .basic(credentials) }
        return try read(try perform(request, cancellation), realm)
    }

    private typealias Answer = (response: HTTPResponse, body: [UInt8])

    private func perform(_ request: HTTPRequest, _ cancellation: Cancellation) throws -> Answer {
        var body: [UInt8] = []
        var request = request
        request.progressTimeout = progressTimeout
        let response = try client.perform(request, cancellation: cancellation) { _, piece in
            guard body.count + piece.byteCount <= Self.sizeLimit else {
                throw SourceError.unusable("\(host): the answer to a token request has more than 1 MiB")
            }
            piece.withUnsafeBytes { body.append(contentsOf: $0) }
        }
        return (response, body)
    }

    private func read(_ answer: Answer, _ realm: Realm) throws -> AccessToken {
        switch answer.response.status {
        case 200: break
        case 400, 401, 403:
            throw SourceError.unauthorized(
                "\(host): \(realm.host) refuses to give a token (HTTP \(answer.response.status)); log in again, "
                    + "or check that you may pull from this repository")
        case 404, 405:
            throw SourceError.unusable("\(host): \(realm.host) gives no tokens (HTTP \(answer.response.status))")
        default:
            throw HTTPFailure.busy(
                "\(realm.host): HTTP \(answer.response.status) for a token", retryAfter: answer.response.retryAfter)
        }
        guard let token = AccessToken(parsing: answer.body) else {
            throw SourceError.unusable("\(host): the answer of \(realm.host) has no token in it")
        }
        return token
    }
}
