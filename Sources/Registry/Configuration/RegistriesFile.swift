// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import TOMLKit

/// One `registries.conf` file: version 2, or version 1, which only lists insecure and blocked registries.
struct RegistriesFile: Decodable {
    private let registry: [Registry]?
    private let registries: Version1?
    private let searched: [String]?
    private let shortNameMode: String?
    private let helpers: [String]?

    enum CodingKeys: String, CodingKey {
        case registry, registries
        case searched = "unqualified-search-registries"
        case shortNameMode = "short-name-mode"
        case helpers = "credential-helpers"
    }

    private struct Version1: Decodable {
        struct List: Decodable { let registries: [String]? }
        let search: List?, insecure: List?, block: List?

        static func names(_ list: List?) -> [String] { list?.registries ?? [] }

        /// An entry for each registry that is listed. Slashes at the end of a name are ignored.
        var registries: [Registry] {
            func bare(_ list: List?) -> Set<String> {
                Set(Self.names(list).map { name in String(name.reversed().drop { $0 == "/" }.reversed()) })
            }
            let (insecure, blocked) = (bare(insecure), bare(block))
            return insecure.union(blocked).sorted().map { name in
                Registry(
                    prefix: nil, location: name, insecure: insecure.contains(name), blocked: blocked.contains(name),
                    mirrorByDigestOnly: nil, mirror: nil)
            }
        }

        var isEmpty: Bool { [search, insecure, block].allSatisfy { Self.names($0).isEmpty } }
    }

    struct Registry: Decodable, Sendable {
        let prefix: String?
        let location: String?
        let insecure: Bool?
        let blocked: Bool?
        let mirrorByDigestOnly: Bool?
        let mirror: [Mirror]?

        enum CodingKeys: String, CodingKey {
            case prefix, location, insecure, blocked, mirror
            case mirrorByDigestOnly = "mirror-by-digest-only"
        }

        /// What the entry applies to: `host`, `host/path` or `*.domain`.
        var scope: String { prefix.flatMap { $0.isEmpty ? nil : $0 } ?? location ?? "" }
    }

    struct Mirror: Decodable, Sendable {
        let location: String
        let insecure: Bool?
        let pullFromMirror: String?

        enum CodingKeys: String, CodingKey {
            case location, insecure
            case pullFromMirror = "pull-from-mirror"
        }
    }

    /// `isDropIn`: whether the file is in a `.d` folder, where version 1 is not allowed. Throws
    /// `SourceError.misconfigured`.
    static func read(_ path: String, isDropIn: Bool) throws(SourceError) -> [Registry] {
        guard let bytes = try SmallFile.read(path) else { throw .misconfigured("\(path) does not exist") }
        if let line = TOMLGuard.unreadableLine(of: bytes) {
            throw .misconfigured("\(path): line \(line) is not TOML: check what its brackets hold")
        }
        let file: RegistriesFile
        do {
            file = try TOMLDecoder().decode(RegistriesFile.self, from: String(decoding: bytes, as: UTF8.self))
        } catch let error as TOMLParseError {
            throw .misconfigured("\(path): \(String(describing: error).split(separator: "\n").joined(separator: " "))")
        } catch {
            throw .misconfigured("\(path): \(JSONReason.describe(error))")
        }
        if let old = file.registries, !old.isEmpty {
            let advice = "write it with [[registry]] tables, and without [registries.search], .insecure and .block"
            if isDropIn { throw .misconfigured("\(path) is of version 1, which no .d folder may have; \(advice)") }
            if !file.isOfVersion1Only { throw .misconfigured("\(path) mixes versions 1 and 2; \(advice)") }
            return old.registries
        }
        for registry in file.registry ?? [] where registry.location?.isEmpty ?? true && !registry.scope.hasPrefix("*.")
        {
            throw .misconfigured("\(path): the registry with prefix “\(registry.scope)” has no location")
        }
        return file.registry ?? []
    }

    private var isOfVersion1Only: Bool {
        (registry ?? []).isEmpty && (searched ?? []).isEmpty && (helpers ?? []).isEmpty && shortNameMode == nil
    }
}
