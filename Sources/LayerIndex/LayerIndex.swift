// SPDX-License-Identifier: Apache-2.0
public import OCI

/// The entries of one layer as a tree: what a mount needs to list the layer and to find a file's bytes in it.
///
/// Entries are numbered level by level, the root is 0. The entries of one directory have consecutive numbers, sorted by
/// name.
public struct LayerIndex: Sendable, Equatable {
    /// Number of an entry in its layer.
    public typealias Number = UInt32

    public struct Entry: Sendable, Equatable {
        public let number: Number
        public let kind: Kind
        /// Permission bits and set-id bits, as in the tar.
        public let mode: UInt16
        /// Seconds since 1970.
        public let modified: Int64
        public let parent: Number
    }

    public enum Kind: Sendable, Equatable {
        /// `content` is in the uncompressed layer.
        case file(content: ByteRange)
        case directory(children: Range<Number>)
        case symbolicLink(target: [UInt8])
    }

    /// Whether the index was made from bytes whose digest was checked.
    public internal(set) var isVerified: Bool
    /// Distinguishes, within a process, indexes of one layer that number their entries differently.
    public private(set) var epoch: UInt8 = 0
    /// Size of the uncompressed layer in bytes.
    public let layerSize: UInt64
    /// sha256 of the uncompressed layer; nil until the whole layer was read.
    package let contentDigest: Digest?
    package let layout: LayerLayout
    package let nodes: [Node]
    /// The bytes that nodes point to: names and targets of symbolic links.
    package let text: [UInt8]

    /// One entry in 40 bytes. `kind` says what `size` and `start` mean.
    package struct Node: Sendable, Equatable {
        package enum Kind: UInt8, Sendable { case file, directory, symbolicLink }
        package let kind: Kind
        package let nameCount: UInt8
        package let mode: UInt16
        package let nameStart: UInt32
        package let parent: UInt32
        /// file: size of the content; directory: number of children; link: length of the target.
        package let size: UInt64
        /// file: offset of the content; directory: first child; link: where in `text` the target starts.
        package let start: UInt64
        package let modified: Int64
    }

    package init(
        isVerified: Bool, layerSize: UInt64, contentDigest: Digest?, layout: LayerLayout, nodes: [Node], text: [UInt8]
    ) {
        self.isVerified = isVerified
        self.layerSize = layerSize
        self.contentDigest = contentDigest
        self.layout = layout
        self.nodes = nodes
        self.text = text
    }

    public static let root: Number = 0
    public var count: Int { nodes.count }

    public func entry(_ number: Number) -> Entry? {
        guard number < nodes.count else { return nil }
        let node = nodes[Int(number)]
        let kind: Kind
        switch node.kind {
        case .file:
            guard let content = ByteRange(start: node.start, count: node.size) else { return nil }
            kind = .file(content: content)
        case .directory:
            kind = .directory(children: Number(node.start)..<Number(node.start + node.size))
        case .symbolicLink:
            kind = .symbolicLink(target: Array(text[Int(node.start)..<Int(node.start + node.size)]))
        }
        return Entry(number: number, kind: kind, mode: node.mode, modified: node.modified, parent: node.parent)
    }

    /// The entry's name; nil for the root.
    public func name(of number: Number) -> EntryName? {
        number < nodes.count ? EntryName(nameBytes(nodes[Int(number)])) : nil
    }

    /// Finds a name in a directory by binary search: a million names take twenty steps.
    public func child(of parent: Number, named name: EntryName) -> Number? {
        guard parent < nodes.count, nodes[Int(parent)].kind == .directory else { return nil }
        var low = Int(nodes[Int(parent)].start)
        var high = low + Int(nodes[Int(parent)].size)
        while low < high {
            let middle = (low + high) / 2
            let candidate = nameBytes(nodes[middle])
            if candidate.elementsEqual(name.bytes) { return Number(middle) }
            if candidate.lexicographicallyPrecedes(name.bytes) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    public func number(at path: EntryPath) -> Number? {
        var number = Self.root
        for name in path.names {
            guard let next = child(of: number, named: name) else { return nil }
            number = next
        }
        return number
    }

    public func path(of number: Number) -> EntryPath {
        var names: [EntryName] = []
        var current = number
        while current != Self.root, let name = name(of: current) {
            names.append(name)
            current = nodes[Int(current)].parent
        }
        return EntryPath(names.reversed())
    }

    private func nameBytes(_ node: Node) -> ArraySlice<UInt8> {
        text[Int(node.nameStart)..<Int(node.nameStart) + Int(node.nameCount)]
    }

    /// This index with the epoch of `known`, which has the same entries.
    package func numbered(as known: LayerIndex) -> LayerIndex {
        var index = self
        index.epoch = known.epoch
        return index
    }

    /// This index with a new epoch, to replace `known`, which has other entries.
    package func replacing(_ known: LayerIndex) -> LayerIndex {
        var index = self
        index.epoch = known.epoch &+ 1
        return index
    }

    /// Whether both have the same entries, verified or not.
    package func hasSameEntries(as other: LayerIndex) -> Bool {
        layerSize == other.layerSize && layout == other.layout && nodes == other.nodes && text == other.text
    }
}
