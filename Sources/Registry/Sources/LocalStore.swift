// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI
private import Synchronization

/// Kit's local store, `$KITOPS_HOME/storage`: an OCI image layout whose blobs all repositories share, with two files
/// for each repository, named by its base64: `-index.json` with its manifests, `-tags.json` with its tags.
struct LocalStore: Sendable {
    let path: String
    var blobs: BlobDirectory { BlobDirectory(parent: path) }

    /// Where kit itself would look; nil without a home.
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

    /// nil if kit knows no such repository.
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

/// An artifact in kit's local store.
final class LocalStoreSource: ArtifactSource {
    let reference: Reference
    private let repository: Repository
    private let store: LocalStore

    init(_ reference: Reference, repository: Repository, store: LocalStore) {
        self.reference = reference
        self.repository = repository
        self.store = store
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        if let digest = digest ?? reference.digest { return try store.blobs.document(digest) }
        let name = repository.description
        let known = try store.tags(of: name.hasPrefix("localhost/") ? name : "localhost/" + name)
        guard let known else {
            throw .notFound(
                "“\(name)” has no host, so it would be in kit's local store \(store.path), which has no such "
                    + "repository; write HOST/\(name) for one in a registry, or oci:DIR for an OCI image layout")
        }
        let tag = reference.tag ?? .latest
        guard let descriptor = known[tag.description] else {
            throw .notFound(
                "kit's local store \(store.path) has no tag “\(tag)” of \(name)"
                    + (known.isEmpty ? "" : "; it has \(known.keys.sorted().prefix(10).joined(separator: ", "))"))
        }
        return try store.blobs.document(descriptor.digest)
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try store.blobs.fetch(blob, range: range, cancellation: cancellation, receive: receive)
    }
}

/// An artifact in a registry, whose blobs are taken from kit's local store where that has them: what `kit pull` has
/// brought needs no network. Tags mean what the registry says.
final class LocalFirstSource: ArtifactSource {
    private let source: any ArtifactSource
    private let blobs: BlobDirectory
    /// Blobs whose bytes in the store turned out to be wrong; nil: not tried yet.
    private let trust = Mutex<[Digest: Bool]>([:])

    init(_ source: any ArtifactSource, blobs: BlobDirectory) {
        self.source = source
        self.blobs = blobs
    }

    var reference: Reference { source.reference }
    var trouble: String? { source.trouble }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        if let digest = digest ?? reference.digest, let document = try? blobs.document(digest) { return document }
        return try source.resolve(digest)
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        guard trust.withLock({ $0[blob.digest] }) != false, blobs.has(blob) else {
            return try source.fetch(blob, range: range, cancellation: cancellation, receive: receive)
        }
        trust.withLock { $0[blob.digest] = true }
        var reached = range.start
        do {
            try blobs.fetch(blob, range: range, cancellation: cancellation) { piece in
                do { try receive(piece) } catch { throw ConsumerError(error: error) }
                reached += UInt64(piece.byteCount)
            }
        } catch let error as ConsumerError {
            throw error.error
        } catch SourceError.cancelled {
            throw SourceError.cancelled
        } catch {
            // Taken away, or unreadable: the registry has the rest.
            trust.withLock { $0[blob.digest] = false }
            try source.fetch(blob, range: range.suffix(from: reached), cancellation: cancellation, receive: receive)
        }
    }

    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        if trust.withLock({ $0[blob.digest] }) != false, blobs.has(blob) {
            return [[UInt8]?](repeating: nil, count: ranges.count)
        }
        return source.parts(of: blob, ranges, cancellation: cancellation)
    }

    func distrust(_ blob: Descriptor) -> Bool {
        let wasOurs = trust.withLock { trust in
            defer { trust[blob.digest] = false }
            return trust[blob.digest] == true
        }
        return wasOurs || source.distrust(blob)
    }
}
