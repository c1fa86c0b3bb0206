// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI
private import SystemPackage

/// A user and a password, as `Authorization: Basic` takes them. Never printed.
struct BasicCredentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    let user: String
    let password: String

    var description: String { "credentials of “\(user)”" }
    var customMirror: Mirror { Mirror(self, children: ["user": user]) }
}

/// Credentials as `docker login` and `kit login` leave them: `auths` in docker's `config.json`.
///
/// Format: <https://docs.docker.com/reference/cli/docker/login/#credential-stores>. Read anew for each use, since a
/// long mount outlives a password.
struct DockerConfig: Sendable {
    let path: String?

    /// `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    init(environment: [String: String]) {
        if let directory = environment["DOCKER_CONFIG"], !directory.isEmpty {
            path = directory + "/config.json"
        } else {
            path = environment["HOME"].map { $0 + "/.docker/config.json" }
        }
    }

    /// nil where the file or an entry for the host is not there. Throws `SourceError` if the file is no use.
    func credentials(for host: RegistryHost) throws(SourceError) -> BasicCredentials? {
        guard let path, let bytes = try SmallFile.read(path) else { return nil }
        struct File: Decodable { let auths: [String: Entry]? }
        struct Entry: Decodable { let auth: String?, username: String?, password: String? }
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(bytes))
        } catch {
            throw .unusable("\(path): \(JSONReason.describe(error)); mend or remove it")
        }
        let entries = file.auths ?? [:]
        guard
            let entry = entries[host.description]
                ?? entries.first(where: { Self.host($0.key) == host.description })?.value
        else { return nil }
        if let user = entry.username, let password = entry.password {
            return BasicCredentials(user: user, password: password)
        }
        guard let auth = entry.auth, !auth.isEmpty else { return nil }
        guard let data = Data(base64Encoded: auth), let colon = data.firstIndex(of: 58) else {
            throw .unusable("\(path): the “auth” of \(host) is not base64 of USER:PASSWORD; log in again")
        }
        return BasicCredentials(
            user: String(decoding: data[..<colon], as: UTF8.self),
            password: String(decoding: data[(colon + 1)...], as: UTF8.self))
    }

    /// Old entries are URLs, as in `https://index.docker.io/v1/`.
    private static func host(_ key: String) -> Substring {
        var rest = Substring(key)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return rest.prefix { $0 != "/" }
    }
}
