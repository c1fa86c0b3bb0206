// SPDX-License-Identifier: Apache-2.0
package import LayerFormat
package import OCI

/// Makes a layer's index from its members, in the order of the tar.
package struct LayerIndexBuilder {
    private struct Draft {
        var kind: LayerIndex.Node.Kind
        var mode: UInt16
        var size: UInt64 = 0
        var start: UInt64 = 0
        var modified: Int64 = 0
        let parent: UInt32
        let nameStart: UInt32
        let nameCount: UInt8
        /// Whether no member describes this directory: it only appears in the paths of others.
        var isImplied = false
    }

    private var drafts: [Draft]
    private var text: [UInt8] = []
    package private(set) var layout = LayerLayout()
    /// Finds a child by parent and name: open addressing, numbers of drafts plus one.
    private var buckets = [UInt32](repeating: 0, count: 64)

    private var memberCount = 0
    private var impliedCount = 0
    /// The most entries. An entry takes some 200 bytes of memory, and next to nothing in a gzip.
    private static let entryLimit = 1 << 24
    /// Implied directories are limited, since one path of 4 KiB can imply two thousand. Real tars imply a few for each
    /// member.
    private static let impliedLimit = 1 << 16
    private static let impliedPerMember = 8
    private static let textLimit = Int(Int32.max)

    /// Why the members do not make a tree.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case path(EntryPathError, offset: UInt64)
        case conflict(path: String, offset: UInt64)
        case danglingLink(path: String, offset: UInt64)
        case tooMany(Limit)

        package var description: String {
            switch self {
            case .path(let error, let offset): "tar header at \(offset): \(error)"
            case .conflict(let path, let offset):
                "tar header at \(offset): “\(path)” is a directory in one place and something else in another"
            case .danglingLink(let path, let offset):
                "tar header at \(offset): “\(path)” is a hard link to something that is not there"
            case .tooMany(.entries): "it has more than \(LayerIndexBuilder.entryLimit) entries"
            case .tooMany(.impliedDirectories):
                "its paths name more than \(LayerIndexBuilder.impliedLimit) directories, and more than "
                    + "\(LayerIndexBuilder.impliedPerMember) a member"
            case .tooMany(.textBytes): "its names and links have more than \(LayerIndexBuilder.textLimit) bytes in all"
            }
        }
    }

    /// The limits of an index.
    package enum Limit: Equatable { case entries, impliedDirectories, textBytes }

    package init() {
        drafts = [
            Draft(kind: .directory, mode: 0o755, parent: 0, nameStart: 0, nameCount: 0, isImplied: true)
        ]
    }

    package mutating func add(_ member: TarMember) throws(Failure) {
        let offset = member.headerOffset
        memberCount += 1
        if member.kind == .file, member.size >= LayerLayout.largeMember,
            let content = ByteRange(start: member.contentOffset, count: member.size)
        {
            layout.append(content)
        }
        let path: EntryPath
        do { path = try EntryPath(parsing: member.path) } catch { throw .path(error, offset: offset) }
        func conflict() -> Failure { .conflict(path: path.description, offset: offset) }
        guard let name = path.names.last else {
            guard member.kind == .directory else { throw conflict() }
            describeDirectory(0, member)
            return
        }
        var parent: UInt32 = 0
        for directory in path.names.dropLast() {
            if let known = find(parent, directory) {
                guard drafts[Int(known)].kind == .directory else { throw conflict() }
                parent = known
            } else {
                parent = try insertImplied(directory, parent)
            }
        }
        let known = find(parent, name)
        if member.kind == .directory {
            if let known, drafts[Int(known)].kind != .directory { throw conflict() }
            let number: UInt32
            if let known { number = known } else { number = try insertImplied(name, parent) }
            describeDirectory(number, member)
            return
        }
        if let known, drafts[Int(known)].kind == .directory { throw conflict() }
        // A later member of the same name replaces the earlier one, as unpacking would.
        let number: UInt32
        if let known { number = known } else { number = try insert(.file, name, parent) }
        try describeFile(number, member)
    }

    /// The first member that describes a directory counts: `kit unpack` keeps an existing directory as it is.
    private mutating func describeDirectory(_ number: UInt32, _ member: TarMember) {
        guard drafts[Int(number)].isImplied else { return }
        drafts[Int(number)].isImplied = false
        drafts[Int(number)].mode = member.mode
        drafts[Int(number)].modified = member.modified
    }

    private mutating func describeFile(_ number: UInt32, _ member: TarMember) throws(Failure) {
        var draft = drafts[Int(number)]
        draft.mode = member.mode
        draft.modified = member.modified
        switch member.kind {
        case .directory: break
        case .file:
            draft.kind = .file
            draft.size = member.size
            draft.start = member.contentOffset
        case .symbolicLink(let target):
            draft.kind = .symbolicLink
            draft.size = UInt64(target.count)
            draft.start = UInt64(try append(target))
        case .hardLink(let target):
            var found: UInt32? = 0
            if let path = try? EntryPath(parsing: target) {
                for name in path.names { found = found.flatMap { find($0, name) } }
            }
            guard let found, found != number, drafts[Int(found)].kind == .file else {
                throw .danglingLink(path: EntryPath.printable(member.path), offset: member.headerOffset)
            }
            draft.kind = .file
            draft.size = drafts[Int(found)].size
            draft.start = drafts[Int(found)].start
            draft.mode = drafts[Int(found)].mode
            draft.modified = drafts[Int(found)].modified
        }
        drafts[Int(number)] = draft
    }

    // MARK: Names

    private mutating func append(_ bytes: [UInt8]) throws(Failure) -> UInt32 {
        guard text.count + bytes.count <= Self.textLimit else { throw .tooMany(.textBytes) }
        let start = UInt32(text.count)
        text.append(contentsOf: bytes)
        return start
    }

    private mutating func insertImplied(_ name: EntryName, _ parent: UInt32) throws(Failure) -> UInt32 {
        impliedCount += 1
        guard impliedCount <= Self.impliedLimit + memberCount * Self.impliedPerMember else {
            throw .tooMany(.impliedDirectories)
        }
        let number = try insert(.directory, name, parent)
        drafts[Int(number)].isImplied = true
        return number
    }

    private mutating func insert(
        _ kind: LayerIndex.Node.Kind, _ name: EntryName, _ parent: UInt32
    ) throws(Failure) -> UInt32 {
        guard drafts.count < Self.entryLimit else { throw .tooMany(.entries) }
        if drafts.count * 2 > buckets.count { grow() }
        let number = UInt32(drafts.count)
        let start = try append(name.bytes)
        drafts.append(
            Draft(
                kind: kind, mode: kind == .directory ? 0o755 : 0o644, parent: parent, nameStart: start,
                nameCount: UInt8(name.bytes.count)))
        place(number)
        return number
    }

    private func find(_ parent: UInt32, _ name: EntryName) -> UInt32? {
        var bucket = Self.hash(parent, name.bytes[...]) & (buckets.count - 1)
        while buckets[bucket] != 0 {
            let number = buckets[bucket] - 1
            if drafts[Int(number)].parent == parent, number != 0, nameBytes(number).elementsEqual(name.bytes) {
                return number
            }
            bucket = (bucket + 1) & (buckets.count - 1)
        }
        return nil
    }

    private mutating func place(_ number: UInt32) {
        var bucket = Self.hash(drafts[Int(number)].parent, nameBytes(number)) & (buckets.count - 1)
        while buckets[bucket] != 0 { bucket = (bucket + 1) & (buckets.count - 1) }
        buckets[bucket] = number + 1
    }

    private mutating func grow() {
        buckets = [UInt32](repeating: 0, count: buckets.count * 2)
        for number in drafts.indices.dropFirst() { place(UInt32(number)) }
    }

    private func nameBytes(_ number: UInt32) -> ArraySlice<UInt8> {
        let draft = drafts[Int(number)]
        return text[Int(draft.nameStart)..<Int(draft.nameStart) + Int(draft.nameCount)]
    }

    /// The hash is seeded anew in each process, so that no tar can be made whose names all collide.
    private static func hash(_ parent: UInt32, _ name: ArraySlice<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(parent)
        name.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize() & Int.max
    }

    // MARK: The index

    /// Numbers the entries level by level, and those of one directory by name.
    package func finish(layerSize: UInt64, contentDigest: Digest?, isVerified: Bool) -> LayerIndex {
        var children = [[UInt32]](repeating: [], count: drafts.count)
        for number in drafts.indices.dropFirst() {
            children[Int(drafts[number].parent)].append(UInt32(number))
        }
        var order: [UInt32] = [0]
        order.reserveCapacity(drafts.count)
        var nodes: [LayerIndex.Node] = []
        nodes.reserveCapacity(drafts.count)
        var text: [UInt8] = []
        text.reserveCapacity(self.text.count)
        var newNumber = [UInt32](repeating: 0, count: drafts.count)
        var position = 0
        while position < order.count {
            let number = Int(order[position])
            let draft = drafts[number]
            newNumber[number] = UInt32(position)
            let nameStart = UInt32(text.count)
            text.append(contentsOf: nameBytes(UInt32(number)))
            var size = draft.size
            var start = draft.start
            switch draft.kind {
            case .file: break
            case .symbolicLink:
                start = UInt64(text.count)
                text.append(contentsOf: self.text[Int(draft.start)..<Int(draft.start + draft.size)])
            case .directory:
                start = UInt64(order.count)
                size = UInt64(children[number].count)
                order.append(
                    contentsOf: children[number].sorted { nameBytes($0).lexicographicallyPrecedes(nameBytes($1)) })
            }
            nodes.append(
                LayerIndex.Node(
                    kind: draft.kind, nameCount: draft.nameCount, mode: draft.mode, nameStart: nameStart,
                    parent: newNumber[Int(draft.parent)], size: size, start: start, modified: draft.modified))
            position += 1
        }
        return LayerIndex(
            isVerified: isVerified, layerSize: layerSize, contentDigest: contentDigest, layout: layout, nodes: nodes,
            text: text)
    }
}
