// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI

/// Kit's local store, `$KITOPS_HOME/storage`: an OCI image layout whose blobs all repositories share, with two files
/// for each repository, named by its base64: `-index.json` with its manifests, `-tags.json` with its tags.
struct LocalStore: Sendable {
    let path: String
    var blobs: BlobDirectory { BlobDirectory(parent: path) }

    /// The directory that kit itself uses; nil without a home.
    init?(environment: [String: String]) {
        func directory(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard
            let home = directory("KITOPS_HOME") ?? directory("XDG_DATA_HOME").map({ $0 + "/kitops" })
                ?? directory("HOME").map({ $0 + "/.local/share/kitops" })
        else { return nil }
        path = home + "/storage"
    }

    /// The digest of a tag, or nil. `name`: registry and repository; without a registry, kit says `localhost`.
    func digest(of tag: Tag, in name: String) throws(SourceError) -> Digest? {
        try tags(of: name)?[tag.description]?.digest
    }

    /// Manifests by tag; nil if the store does not have the repository.
    func tags(of name: String) throws(SourceError) -> [String: Descriptor]? {
        let file = "\(path)/\(Self.fileName(name))-tags.json"
        guard let bytes = try SmallFile.read(file) else { return nil }
        do {
            return try JSONDecoder().decode([String: Descriptor].self, from: Data(bytes))
        } catch {
            throw .unusable("\(file): \(JSONReason.describe(error))")
        }
    }

    /// Base64 with `-` and `_`, padded. Spec: RFC 4648, section 5.
    private static func fileName(_ name: String) -> String {
        String(
            Data(name.utf8).base64EncodedString().map { character in
                switch character {
                case "+": "-"
                case "/": "_"
                default: character
                }
            })
    }
}
