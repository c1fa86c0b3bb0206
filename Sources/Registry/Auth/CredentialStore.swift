// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI

/// Finds credentials in the files of docker, podman and kit. Files and helpers are read each time, since a mount
/// outlives a password.
///
/// Formats: containers-auth.json(5); <https://docs.docker.com/reference/cli/docker/login/#credential-stores>.
struct CredentialStore: Sendable {
    /// In the order of the search.
    let files: [String]
    /// Whether a missing file is an error, because the user named it.
    private let isRequired: Bool
    private let environment: [String: String]

    init(authFile: String?, environment: [String: String]) {
        self.environment = environment
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let named = authFile ?? variable("REGISTRY_AUTH_FILE") {
            files = [named]
            isRequired = authFile != nil
            return
        }
        let home = variable("HOME")
        let data = variable("XDG_DATA_HOME") ?? home.map { $0 + "/.local/share" }
        files = [
            variable("DOCKER_CONFIG").map { $0 + "/config.json" } ?? home.map { $0 + "/.docker/config.json" },
            variable("XDG_RUNTIME_DIR").map { $0 + "/containers/auth.json" },
            (variable("XDG_CONFIG_HOME") ?? home.map { $0 + "/.config" }).map { $0 + "/containers/auth.json" },
            (variable("KITOPS_HOME") ?? data.map { $0 + "/kitops" }).map { $0 + "/credentials.json" },
        ].compactMap { $0 }
        isRequired = false
    }

    /// The first match: in each file credHelpers for the host, then entries from the repository's whole path up to the
    /// host, then credsStore. Throws `SourceError` for an unusable file or helper.
    func credential(for host: RegistryHost, _ repository: Repository) throws(SourceError) -> Credential? {
        for path in files {
            guard let bytes = try SmallFile.read(path) else {
                if isRequired { throw .unauthorized("the auth file \(path) does not exist") }
                continue
            }
            let file: AuthFile
            do {
                file = try JSONDecoder().decode(AuthFile.self, from: Data(bytes))
            } catch {
                // The decoder's error is not shown, since it may quote a secret.
                throw .misconfigured("\(path) is not an auth file; mend or remove it")
            }
            if let found = try credential(in: file, path, host, repository) { return found }
        }
        return nil
    }

    private func credential(
        in file: AuthFile, _ path: String, _ host: RegistryHost, _ repository: Repository
    ) throws(SourceError) -> Credential? {
        let servers = host.authKeys
        for server in servers {
            if let name = file.credHelpers?[server], let helper = CredentialHelper(name, environment: environment),
                let found = try helper.credential(for: server)
            {
                return found
            }
        }
        // Of several keys for one server, the normalised one counts, else the first in alphabetical order.
        let entries = (file.auths ?? [:]).sorted { left, right in
            let (isLeft, isRight) = (Self.normalised(left.key) == left.key, Self.normalised(right.key) == right.key)
            return isLeft == isRight ? left.key < right.key : isLeft
        }
        let normalised = Dictionary(
            entries.map { (Self.normalised($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        var parts = repository.description.split(separator: "/")
        while true {
            for server in servers {
                let key = ([Self.normalised(server)] + parts.map(String.init)).joined(separator: "/")
                if let entry = normalised[key], let found = try entry.credential(path, server) { return found }
            }
            if parts.popLast() == nil { break }
        }
        guard let name = file.credsStore, let helper = CredentialHelper(name, environment: environment) else {
            return nil
        }
        for server in servers {
            if let found = try helper.credential(for: server) { return found }
        }
        return nil
    }

    /// The host of an old entry, which is a URL such as `https://index.docker.io/v1/`.
    private static func normalised(_ key: String) -> String {
        var rest = HTTPURL(key).map { Substring($0.authority) } ?? Substring(key)
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        return String(rest)
    }
}

private struct AuthFile: Decodable {
    let auths: [String: Entry]?
    let credHelpers: [String: String]?
    let credsStore: String?

    struct Entry: Decodable {
        let auth: String?, username: String?, password: String?, identitytoken: String?

        /// nil for an empty entry, which tells that a store has the credentials.
        func credential(_ path: String, _ server: String) throws(SourceError) -> Credential? {
            if let token = identitytoken, !token.isEmpty { return .identityToken(token) }
            if let username, !username.isEmpty, let password {
                return .basic(BasicCredentials(user: username, password: password))
            }
            guard let auth, !auth.isEmpty else { return nil }
            guard let data = Data(base64Encoded: auth), let colon = data.firstIndex(of: 58) else {
                throw .misconfigured("\(path): the “auth” of \(server) is not base64 of USER:PASSWORD; log in again")
            }
            return .basic(
                BasicCredentials(
                    user: String(decoding: data[..<colon], as: UTF8.self),
                    // Some tools append a NUL.
                    password: String(
                        decoding: data[(colon + 1)...].reversed().drop { $0 == 0 }.reversed(), as: UTF8.self)))
        }
    }
}
