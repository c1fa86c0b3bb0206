// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A registry that requires tokens, like Docker Hub, GHCR, Harbor and others. It has a realm at `/token`, and passes
/// all other requests on to a ``DockerRegistry`` if they have a valid token.
///
/// Spec: <https://distribution.github.io/distribution/spec/auth/token/>.
public final class TokenServer: Sendable {
    public struct Settings: Sendable {
        /// Seconds for which a token is accepted.
        public var lifetime = 60.0
        /// Whether the lifetime of tokens is stated. If it is not, clients assume 60 s.
        public var tellsLifetime = true
        /// The name of the token's field.
        public var field = "token"
        /// The user who may get tokens; nil for everyone.
        public var user: DockerRegistry.Credentials?
        /// The refresh token that a POST must have. With nil, every POST is answered with 405, as GHCR does.
        public var refreshToken: String?
        /// The status for expired tokens. ECR Public answers 400.
        public var expiredStatus = 401
        /// Whether the first use of a token is answered with a challenge, as from a registry that requires more scopes
        /// now.
        public var findsScopeInsufficient = false
        /// The failures of the next requests for a token, one each.
        public var failures: [Failure] = []
        /// The URL of the realm; nil for this server's own realm.
        public var realm: String?
        /// The URL that requests for blobs are redirected to; nil for no redirect.
        public var blobs: String?
        /// The limit of a transfer's rate; nil for no limit.
        public var bytesPerSecond: Int?
    }

    public enum Failure: Sendable, Equatable {
        /// A status. `retryAfter` is the header `Retry-After`, in seconds.
        case status(Int, retryAfter: Int? = nil)
        /// The connection ends without an answer.
        case cut
    }

    private struct State: Sendable {
        var settings = Settings()
        /// The time at which each token expires, in ``monotonicSeconds()``.
        var tokens: [String: Double] = [:]
        var secrets: Set<String> = []
        var hasRefusedScope = false
    }

    private let server: LittleServer
    private let state: SharedState

    private final class SharedState: Sendable {
        let mutex = Mutex(State())
        func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { mutex.withLock { body(&$0) } }
    }

    /// - Parameter registry: a registry without TLS or a password.
    public convenience init(before registry: DockerRegistry, _ change: (inout Settings) -> Void = { _ in }) throws {
        try self.init(upstream: registry.port, change)
    }

    /// - Parameter upstream: the port on 127.0.0.1 of a registry, or of a server in front of one.
    public init(upstream: UInt16, _ change: (inout Settings) -> Void = { _ in }) throws {
        let state = SharedState()
        server = try LittleServer { request, connection in
            if request.path == "/token" {
                Self.giveToken(request, connection, state)
            } else {
                Self.serve(request, connection, state, upstream)
            }
        }
        self.state = state
        self.change(change)
    }

    public var host: String { server.host }
    public var port: UInt16 { server.port }
    public func stop() { server.stop() }
    public func change(_ body: (inout Settings) -> Void) {
        let settings = state.mutex.withLock { state in
            body(&state.settings)
            return state.settings
        }
        if let user = settings.user { Secrets.add(user.password, of: user.user) }
        if let token = settings.refreshToken { Secrets.add(token) }
    }

    /// The requests so far.
    public var requests: [ServedRequest] { server.requests }
    public var tokenRequests: [ServedRequest] { requests.filter { $0.path == "/token" } }
    public func resetRequests() { server.resetRequests() }
    /// Revokes all tokens given so far.
    public func expireTokens() { state.mutex.withLock { $0.tokens = $0.tokens.mapValues { _ in 0 } } }
    /// All tokens given so far.
    public var tokens: Set<String> { state.mutex.withLock { $0.secrets } }

    private static func giveToken(_ request: ServedRequest, _ connection: ServedConnection, _ state: SharedState) {
        let settings = state.change { $0.settings }
        switch state.change({ $0.settings.failures.isEmpty ? nil : $0.settings.failures.removeFirst() }) {
        case .status(let status, let seconds)?:
            return connection.send(status: status, headers: seconds.map { ["Retry-After": "\($0)"] } ?? [:])
        case .cut?: return
        case nil: break
        }
        if request.method == "POST" {
            guard let refresh = settings.refreshToken else { return connection.send(status: 405) }
            guard request.fields["grant_type"] == "refresh_token", request.fields["refresh_token"] == refresh else {
                return connection.send(status: 400, body: #"{"error":"invalid_grant"}"#)
            }
        } else if let user = settings.user {
            let expected = "Basic " + Base64.encode("\(user.user):\(user.password)")
            guard request.authorization == expected else {
                return connection.send(status: 401, body: #"{"details":"incorrect username or password"}"#)
            }
        }
        let token = "token-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
        Secrets.add(token)
        state.change {
            $0.tokens[token] = monotonicSeconds() + settings.lifetime
            _ = $0.secrets.insert(token)
        }
        let lifetime = settings.tellsLifetime ? #","expires_in":\#(Int(settings.lifetime))"# : ""
        connection.send(
            status: 200, headers: ["Content-Type": "application/json"],
            body: #"{"\#(settings.field)":"\#(token)"\#(lifetime)}"#)
    }

    private static func serve(
        _ request: ServedRequest, _ connection: ServedConnection, _ state: SharedState, _ upstream: UInt16
    ) {
        let settings = state.change { $0.settings }
        let realm = settings.realm ?? "http://\(request.headers["host"] ?? "")/token"
        func refuse(_ status: Int, _ error: String? = nil) {
            let repository = request.path.split(separator: "/").dropFirst().dropLast(2).joined(separator: "/")
            let scope = repository.isEmpty ? "" : #",scope="repository:\#(repository):pull""#
            let reason = error.map { #",error="\#($0)""# } ?? ""
            connection.send(
                status: status,
                headers: ["WWW-Authenticate": #"Bearer realm="\#(realm)",service="kitfs-test"\#(scope)\#(reason)"#],
                body: #"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#)
        }
        guard let token = request.authorization, token.hasPrefix("Bearer "),
            let expiry = state.change({ $0.tokens[String(token.dropFirst(7))] })
        else { return refuse(401) }
        if monotonicSeconds() >= expiry {
            if settings.expiredStatus == 401 { return refuse(401, "invalid_token") }
            return connection.send(
                status: settings.expiredStatus,
                body: #"{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}"#)
        }
        let isFirst = state.change { state in
            defer { state.hasRefusedScope = true }
            return !state.hasRefusedScope
        }
        if settings.findsScopeInsufficient, isFirst { return refuse(403, "insufficient_scope") }
        if let blobs = settings.blobs, request.path.contains("/blobs/") {
            return connection.send(status: 307, headers: ["Location": blobs + request.path])
        }
        connection.forward(request, to: upstream, bytesPerSecond: settings.bytesPerSecond)
    }
}
