// SPDX-License-Identifier: Apache-2.0

/// The content of one layer, by path from the kit's root.
struct LayerContent {
    private(set) var nodes: [UnpackedKit.Path: UnpackedKit.Node] = [:]

    /// Throws if the layer cannot be mounted.
    init(_ layer: KitDocuments.Layer, _ layout: OCILayout) throws {
        var bytes = try readFile(layout.blobFile(layer.hex))
        guard bytes.count == layer.size else { throw TestSupportError("the descriptor tells another size") }
        bytes = try layer.compression?.decompress(bytes) ?? bytes
        if layer.isRaw {
            try set(layer.path, .file(mode: layer.mode ?? 0o644, content: bytes))
        } else {
            // The directory that an old kit's names are relative to is made before the tar is read.
            for count in 0...layer.base.count { nodes[Array(layer.base.prefix(count))] = .directory(mode: 0o755) }
            for member in try TarMembers.read(bytes) { try add(member, below: layer.base) }
        }
        nodes[[]] = nil
        for (path, node) in nodes {
            let isAbove = layer.path.starts(with: path) && path.count < layer.path.count && node.isDirectory
            guard isAbove || path.starts(with: layer.path) else {
                throw TestSupportError("\(UnpackedKit.name(path)) is outside of the layer's declared path")
            }
        }
    }

    private mutating func add(_ member: TarMembers.Member, below base: UnpackedKit.Path) throws {
        let path = base + (try UnpackedKit.path(member.path))
        switch member.kind {
        case .directory:
            try set(path, .directory(mode: member.mode))
        case .file(let content):
            try set(path, .file(mode: member.mode, content: content))
        case .link(let target):
            try set(path, .link(target: target))
        case .hardLink(let target):
            let target = base + (try UnpackedKit.path(target))
            guard case .file? = nodes[target], let file = nodes[target], target != path else {
                throw TestSupportError("a hard link to nothing")
            }
            try set(path, file)
        }
    }

    /// A later member replaces an earlier one that is not a directory. A directory that has a member of its own stays
    /// as it was.
    private mutating func set(_ path: UnpackedKit.Path, _ node: UnpackedKit.Node) throws {
        for count in 0..<path.count {
            let above = Array(path.prefix(count))
            if nodes[above] == nil { nodes[above] = .directory(mode: nil) }
            guard nodes[above]?.isDirectory == true else { throw TestSupportError("a file above a file") }
        }
        guard let known = nodes[path] else {
            nodes[path] = node
            return
        }
        guard known.isDirectory == node.isDirectory else {
            throw TestSupportError("a directory against something else at \(UnpackedKit.name(path))")
        }
        if !known.isDirectory || known == .directory(mode: nil) { nodes[path] = node }
    }
}
