// SPDX-License-Identifier: Apache-2.0

/// The result of unpacking a kit, computed in the plainest way: every layer is read whole, in order, into a dictionary.
///
/// This shares no code with what it is compared to. Layers are decompressed by command-line tools, and tars are read by
/// ``TarMembers``. The rules are those of the guide "semantics".
public struct UnpackedKit: Sendable {
    /// Names from the root down. The root itself has none.
    public typealias Path = [[UInt8]]

    /// A layer that cannot be mounted. Others still can.
    public struct UnusableLayer: Sendable {
        public let hex: String
        /// Its declared path. This layer provides nothing at or below it.
        public let path: Path
        public let reason: String
    }

    enum Node: Equatable, Sendable, CustomStringConvertible {
        /// The mode is nil if only the entries below imply the directory.
        case directory(mode: UInt16?)
        case file(mode: UInt16, content: [UInt8])
        case link(target: [UInt8])

        var description: String {
            switch self {
            case .directory(let mode): "directory \(mode.map { String($0, radix: 8) } ?? "implied")"
            case .file(let mode, let content): "file \(String(mode, radix: 8)), \(content.count) bytes"
            case .link(let target): "link to \(target.count) bytes"
            }
        }

        var isDirectory: Bool { if case .directory = self { true } else { false } }
    }

    public private(set) var unusable: [UnusableLayer] = []
    /// One line for each layer, to be printed when a mount differs.
    public private(set) var summary: [String] = []
    var declared: [Path] = []
    private var nodes: [Path: Node] = [[]: .directory(mode: 0o755)]
    static let kitfile: Path = [Array("Kitfile".utf8)]

    /// - Parameter parents: the kits that `model.path` may name: layout and tag by reference.
    public init(
        layout: String, tag: String, parents: [String: (layout: String, tag: String)] = [:]
    ) throws {
        let kit = try KitDocuments(layout: OCILayout(directory: layout), tag: tag)
        var family = [kit]
        while let reference = family.last?.modelPath, let parent = parents[reference] {
            family.append(try KitDocuments(layout: OCILayout(directory: parent.layout), tag: parent.tag))
        }
        for (generation, member) in family.enumerated().reversed() {
            for layer in try member.layers() where generation == 0 || layer.isOfModel { place(layer, member.layout) }
        }
    }

    /// At one path, a file is taken from the later layer, and a directory from the first.
    private mutating func place(_ layer: KitDocuments.Layer, _ layout: OCILayout) {
        declared.append(layer.path)
        summary.append("\(layer.hex.prefix(12)) \(layer.form) “\(Self.name(layer.path))”")
        do {
            let found = try LayerContent(layer, layout).nodes
            summary += found.map { "    \(Self.name($0)) \($1)" }.sorted()
            for (path, node) in found {
                guard let other = nodes[path], other.isDirectory != node.isDirectory else { continue }
                throw TestSupportError("a directory against something else at \(Self.name(path))")
            }
            nodes.merge(found) { earlier, later in later.isDirectory ? earlier : later }
        } catch {
            unusable.append(UnusableLayer(hex: layer.hex, path: layer.path, reason: "\(error)"))
            summary.append("    unusable: \(error)")
        }
    }

    /// The tree that a mount shows, sorted as ``TreeScan`` sorts. It has no write or set-id bits, and the Kitfile's
    /// content is not compared.
    public var tree: [TreeEntry] {
        var all = nodes
        // An artifact without a Kitfile gets one that is made from its manifest and config.
        all[Self.kitfile] = .file(mode: 0o644, content: [])
        return all.map { path, node in
            let name = path.isEmpty ? Array(".".utf8) : Array(path.joined(separator: [UInt8(ascii: "/")]))
            switch node {
            case .directory(let mode):
                return TreeEntry(path: name, type: .directory, mode: (mode ?? 0o755) & 0o555)
            case .file(let mode, let content):
                let isKitfile = path == Self.kitfile
                return TreeEntry(
                    path: name, type: .file, mode: mode & 0o555, size: isKitfile ? nil : content.count,
                    sha256: isKitfile ? nil : Sha256.hex(content))
            case .link(let target):
                return TreeEntry(path: name, type: .link, mode: 0o777, size: target.count, target: target)
            }
        }.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// `./` and doubled slashes are ignored.
    static func path(_ bytes: [UInt8]) throws -> Path {
        guard bytes.first != UInt8(ascii: "/") else { throw TestSupportError("an absolute path") }
        let names = bytes.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != Array(".".utf8) }
        for name in names {
            if name == Array("..".utf8) { throw TestSupportError("a path with ..") }
            if name.count > 255 { throw TestSupportError("a name of \(name.count) bytes") }
        }
        return names
    }

    static func name(_ path: Path) -> String {
        String(decoding: Array(path.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
    }
}
