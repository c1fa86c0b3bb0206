// SPDX-License-Identifier: Apache-2.0
public import OCI

/// A kit and its parents, which its model comes from, with the source of each.
public struct KitFamily: Sendable {
    public struct Member: Sendable {
        public let kit: Kit
        public let source: any ArtifactSource
        /// The layers that the filters choose; of a parent, only those of its model and model parts.
        public let layers: [KitLayer]
    }

    /// The requested kit first, then its parent, its parent's parent …
    public let members: [Member]
    /// Whether the filters choose the Kitfile.
    public let showsKitfile: Bool

    public static let parentLimit = 10

    public var kit: Kit { members[0].kit }

    /// Size of all members' layers in their registries, in bytes; `UInt64.max` if the sum is larger.
    public var size: UInt64 {
        members.reduce(0) { sum, member in
            let (total, overflow) = sum.addingReportingOverflow(member.layers.totalSize)
            return overflow ? .max : total
        }
    }

    /// Fetches manifest and config of the kit and its parents, and nothing else. Blocks the calling thread.
    ///
    /// No `filters` choose everything. `open` makes the source for a reference. Throws what it and the sources throw,
    /// and `ModelKitError`.
    public static func fetch(
        _ reference: Reference, filters: [KitFilter] = [], open: (Reference) throws -> any ArtifactSource
    ) throws -> KitFamily {
        var members: [Member] = []
        var seen: [Reference] = []
        var next: Reference? = reference
        var filters = filters
        let showsKitfile = filters.isEmpty || filters.contains(where: \.hasKitfile)
        while let reference = next {
            if seen.contains(reference) { throw ModelKitError.parentCycle(seen + [reference]) }
            guard members.count <= parentLimit else { throw ModelKitError.tooManyParents(limit: parentLimit) }
            seen.append(reference)
            let source = try open(reference)
            let (resolved, kind) = try KitLookup(source: source).find()
            let config = try source.smallBlob(resolved.manifest.config, at: "\(reference)")
            let kit = try Kit(resolved: resolved, kind: kind, config: config)
            let isParent = !members.isEmpty
            let layers = kit.layers.filter { layer in
                (!isParent || layer.kind == .model || layer.kind == .modelPart)
                    && (filters.isEmpty || filters.contains { $0.matches(layer) })
            }
            members.append(Member(kit: kit, source: source, layers: layers))
            let ofParent = filters.compactMap(\.ofParent)
            next = filters.isEmpty || !ofParent.isEmpty ? kit.parent : nil
            filters = ofParent
        }
        return KitFamily(members: members, showsKitfile: showsKitfile)
    }
}
