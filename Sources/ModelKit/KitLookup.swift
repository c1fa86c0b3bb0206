// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Finds the kit that a reference names: the manifest itself, or the one kit in an index.
struct KitLookup {
    let source: any ArtifactSource

    /// The most manifests of an index that are fetched to learn their type.
    private static let lookupLimit = 32

    /// Throws `SourceError`, and `ModelKitError` if it is not exactly one kit.
    func find() throws -> (ResolvedManifest, ArtifactKind) {
        let document = try source.resolve()
        guard case .index(let index) = document.content else { return try kit(document) }
        var kits: [(ResolvedManifest, ArtifactKind)] = []
        var others: [MediaType] = []
        for descriptor in candidates(index) {
            do {
                kits.append(try kit(source.resolve(descriptor.digest)))
            } catch ModelKitError.notModelKit(let found) {
                others.append(found)
            }
        }
        guard kits.count <= 1 else { throw ModelKitError.severalKits(kits.map(\.0.digest)) }
        guard let only = kits.first else {
            throw ModelKitError.noKitInIndex(found: others.isEmpty ? index.manifests.map(\.mediaType) : others)
        }
        return only
    }

    private func kit(_ document: ResolvedDocument) throws(ModelKitError) -> (ResolvedManifest, ArtifactKind) {
        guard let resolved = ResolvedManifest(document) else { throw .notModelKit(found: .imageIndex) }
        let config = resolved.manifest.config.mediaType
        guard let kind = ArtifactKind(config: config) else {
            throw .notModelKit(found: resolved.manifest.artifactType ?? config)
        }
        return (resolved, kind)
    }

    /// The manifests that may be kits: those that the index does not name as something else. An index may list one
    /// manifest for each of several platforms.
    private func candidates(_ index: ImageIndex) -> ArraySlice<Descriptor> {
        var seen: Set<Digest> = []
        let manifests = index.manifests.filter {
            $0.mediaType == .imageManifest && ($0.artifactType.map(LayerType.isOfKits) ?? true)
                && seen.insert($0.digest).inserted
        }
        let said = manifests.filter { $0.artifactType != nil }
        return (said.isEmpty ? manifests : said).prefix(Self.lookupLimit)
    }
}
