// SPDX-License-Identifier: Apache-2.0
public import OCI

/// A kit and the parents that its model comes from, with the source of each.
public struct KitFamily: Sendable {
    public struct Member: Sendable {
        public let kit: Kit
        public let source: any ArtifactSource
        /// All layers of the kit itself; of a parent, those of its model and model parts.
        public let layers: [KitLayer]
    }

    /// The kit that was asked for, first; then its parent, its parent's parent …
    public let members: [Member]

    public static let parentLimit = 10

    public var kit: Kit { members[0].kit }

    /// Fetches manifest and config of the kit and its parents, and nothing else.
    ///
    /// `open` makes the source for a reference. Throws what it and the sources throw, and `ModelKitError`.
    public init(_ reference: Reference, open: (Reference) throws -> any ArtifactSource) throws {
        var members: [Member] = []
        var seen: [Reference] = []
        var next: Reference? = reference
        while let reference = next {
            if seen.contains(reference) { throw ModelKitError.parentCycle(seen + [reference]) }
            guard members.count <= Self.parentLimit else {
                throw ModelKitError.tooManyParents(limit: Self.parentLimit)
            }
            seen.append(reference)
            let source = try open(reference)
            let resolved = try source.resolve()
            let type = resolved.manifest.config.mediaType
            guard type == .kitConfig else {
                throw ModelKitError.notModelKit(found: resolved.manifest.artifactType ?? type)
            }
            let config = try source.smallBlob(resolved.manifest.config, at: "\(reference)")
            let kit = try Kit(resolved: resolved, config: config)
            let layers =
                members.isEmpty ? kit.layers : kit.layers.filter { $0.kind == .model || $0.kind == .modelPart }
            members.append(Member(kit: kit, source: source, layers: layers))
            next = kit.parent
        }
        self.members = members
    }
}
