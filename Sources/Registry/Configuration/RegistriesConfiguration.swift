// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import OCI

/// The `registries.conf` of the containers tools, which maps names to endpoints. See containers-registries.conf(5).
struct RegistriesConfiguration: Sendable {
    private let registries: [RegistriesFile.Registry]

    /// Reads `$CONTAINERS_REGISTRIES_CONF` alone if it is set; else the user's file and `.d` folder; without a user's
    /// file, the system's file, its `.d` folder and the user's. Files of a folder are read by name. A later entry for a
    /// prefix replaces an earlier one. Throws `SourceError`.
    init(environment: [String: String], system: String = "/etc/containers") throws(SourceError) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let user = (variable("XDG_CONFIG_HOME") ?? variable("HOME").map { $0 + "/.config" }).map { $0 + "/containers" }
        let folders = [system] + (user.map { [$0] } ?? [])
        var files: [String] = []
        if let named = variable("CONTAINERS_REGISTRIES_CONF") {
            files.append(named)
        } else {
            let candidates = folders.reversed().map { $0 + "/registries.conf" }
            files += candidates.filter { access($0, F_OK) == 0 }.prefix(1)
            // A user's file replaces everything of the system's.
            let isOwn = user.map { files.first == $0 + "/registries.conf" } ?? false
            let read = isOwn ? [String](folders.dropFirst()) : folders
            for folder in read { files += Self.files(in: folder + "/registries.conf.d") }
        }
        var found: [String: RegistriesFile.Registry] = [:]
        for (number, file) in files.enumerated() {
            let isDropIn = number > 0 || file.contains("/registries.conf.d/")
            for registry in try RegistriesFile.read(file, isDropIn: isDropIn) { found[registry.scope] = registry }
        }
        registries = found.values.filter { !$0.scope.isEmpty }
    }

    private static func files(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".conf") { names.append(name) }
        }
        return names.sorted().map { "\(folder)/\($0)" }
    }

    // MARK: Looking up

    /// The endpoints of a repository in the order of use, at least one. Throws `SourceError.unauthorized` if it is
    /// blocked.
    func endpoints(_ host: RegistryHost, _ repository: Repository) throws(SourceError) -> [RegistryEndpoint] {
        let name = "\(host)/\(repository)"
        let own = RegistryEndpoint(
            host: host, repository: repository, isInsecure: false, isMirror: false, serves: .all)
        let matching = registries.compactMap { registry in
            Self.matched(registry.scope, name, host).map { (registry, $0) }
        }
        // The longest prefix as it is written; where a wildcard has as many letters, the exact one.
        func rank(_ scope: String) -> (Int, Int) { (scope.utf8.count, scope.hasPrefix("*.") ? 0 : 1) }
        guard let (registry, length) = matching.max(by: { rank($0.0.scope) < rank($1.0.scope) }) else { return [own] }
        if registry.blocked == true {
            throw .unauthorized("\(name) is blocked in registries.conf (prefix “\(registry.scope)”)")
        }
        let rest = name.dropFirst(length)
        var endpoints: [RegistryEndpoint] = []
        for mirror in registry.mirror ?? [] {
            let serves: RegistryEndpoint.Serves
            if let text = mirror.pullFromMirror, !text.isEmpty {
                guard let known = RegistryEndpoint.Serves(rawValue: text) else {
                    throw .misconfigured(
                        "registries.conf: pull-from-mirror is “\(text)”, not all, digest-only or tag-only")
                }
                serves = known
            } else {
                serves = registry.mirrorByDigestOnly == true ? .digestOnly : .all
            }
            endpoints.append(
                try Self.endpoint(mirror.location + rest, mirror.insecure ?? false, isMirror: true, serves))
        }
        // Without a location, as a wildcard may be, the name stays.
        let location = registry.location.flatMap { $0.isEmpty ? nil : $0 + rest } ?? name
        endpoints.append(try Self.endpoint(location, registry.insecure ?? false, isMirror: false, .all))
        return endpoints
    }

    /// The length of a prefix that matches a name; nil if it does not. It ends at the end of a component.
    private static func matched(_ scope: String, _ name: String, _ host: RegistryHost) -> Int? {
        if scope.hasPrefix("*.") {
            return host.name.hasSuffix(scope.dropFirst()) ? host.description.count : nil
        }
        guard name.hasPrefix(scope) else { return nil }
        let next = name.dropFirst(scope.count).first
        return next == nil || next == "/" || next == ":" ? scope.count : nil
    }

    private static func endpoint(
        _ text: String, _ isInsecure: Bool, isMirror: Bool, _ serves: RegistryEndpoint.Serves
    ) throws(SourceError) -> RegistryEndpoint {
        guard let slash = text.firstIndex(of: "/"), let host = RegistryHost(text[..<slash]),
            let repository = Repository(text[text.index(after: slash)...])
        else {
            throw .misconfigured(
                "registries.conf: the location “\(text.prefix(200))” names no repository in a registry")
        }
        return RegistryEndpoint(
            host: host, repository: repository, isInsecure: isInsecure, isMirror: isMirror, serves: serves)
    }
}
