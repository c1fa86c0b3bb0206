// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// The `Authorization` of a request. libcurl sends it to the first host only.
enum Authorization: Sendable {
    case basic(BasicCredentials)
    case bearer(String)
}

/// Authorises requests to one repository, for as long as a mount lives, by what the registry's challenges ask for.
/// Tokens are renewed before they expire and when they are refused; passwords are read again when they are refused.
final class Authorizer: Sendable {
    private let host: RegistryHost
    private let repository: Repository
    private let store: CredentialStore
    private let state = Mutex(State())

    private struct State: Sendable {
        var challenge: Challenge?
        var basic: BasicCredentials?
        var token: AccessToken?
    }

    init(host: RegistryHost, repository: Repository, store: CredentialStore) {
        self.host = host
        self.repository = repository
        self.store = store
    }

    /// The authorization for a request; nil before the first challenge. Throws as `answer` does.
    func authorization(_ tokens: TokenClient, _ cancellation: Cancellation) throws -> Authorization? {
        let known = state.withLock { $0 }
        switch known.challenge {
        case nil: return nil
        case .basic?: return known.basic.map { .basic($0) }
        case .bearer(let bearer)?:
            if let token = known.token, token.isFresh { return .bearer(token.text) }
            return try renew(bearer, tokens, cancellation)
        }
    }

    /// The authorization for a retry after a refusal, by the challenge and the credentials that there are now. nil if
    /// there is nothing new to try. Throws `SourceError`, `HTTPFailure`.
    func answer(
        _ response: HTTPResponse, _ refused: Authorization?, _ tokens: TokenClient, _ cancellation: Cancellation
    ) throws -> Authorization? {
        let challenges = Challenge.parse(response.headers["www-authenticate"] ?? "")
        // A token is preferred to a password.
        let offered = challenges.compactMap { if case .bearer(let bearer) = $0 { bearer } else { nil } }.first
        switch (response.status, refused) {
        case (401, _):
            if let offered { return try renew(offered, tokens, cancellation) }
            return challenges.contains(.basic) ? try basic(unlike: refused) : nil
        case (403, .bearer?) where offered?.error == "insufficient_scope":
            return try offered.map { try renew($0, tokens, cancellation) }
        case (400, .bearer?):
            // ECR Public answers so to an expired token.
            guard case .bearer(let known)? = state.withLock({ $0.challenge }) else { return nil }
            return try renew(known, tokens, cancellation)
        default:
            return nil
        }
    }

    private func basic(unlike refused: Authorization?) throws -> Authorization? {
        guard case .basic(let basic)? = try store.credential(for: host, repository) else { return nil }
        if case .basic(let tried)? = refused, tried == basic { return nil }
        state.withLock { state in
            state.challenge = .basic
            state.basic = basic
        }
        return .basic(basic)
    }

    private func renew(
        _ bearer: Challenge.Bearer, _ tokens: TokenClient, _ cancellation: Cancellation
    ) throws -> Authorization {
        let token = try tokens.token(
            bearer, scope: bearer.scope ?? "repository:\(host.path(repository)):pull",
            credential: store.credential(for: host, repository), cancellation: cancellation)
        state.withLock { state in
            state.challenge = .bearer(bearer)
            state.token = token
        }
        return .bearer(token.text)
    }
}
