// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import FoundationEssentials
private import Glibc
internal import KitFileSystem
internal import LayerStore
internal import Logging
private import MountProcess
internal import MountRecords
internal import OCI

struct ListCommand: LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the files of a kit without mounting it.",
        discussion: "Of an uncompressed layer only the headers are fetched; a compressed one is fetched, and kept.")

    @Argument(help: ArgumentHelp("The kit.", valueName: "ref"), transform: KitArgument.init)
    var kit: KitArgument

    @Argument(help: ArgumentHelp("A file or directory in it.", valueName: "path"))
    var path: String = "."

    @Flag(name: [.customShort("l"), .customLong("long")], help: "Show mode, size and time.")
    var long = false

    @Flag(name: [.customShort("R"), .long], help: "List directories below it, too.")
    var recursive = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup var parts: FilterOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var log: LogOptions

    struct Row: Encodable {
        let path: String
        let type: String
        let mode: String
        let size: UInt64
        let modified: Int64
    }

    func run() throws {
        do {
            let locations = try cache.locations
            let own = try locations.open()
            let shared = try locations.openShared(besides: own)
            let store = LayerStore(
                cache: own, shared: shared, concurrency: source.concurrency, timeout: source.timeout,
                logger: log.logger(LogSink()))
            let filters = try parts.filters
            let family = try source.access.family(kit.reference, cache: own, shared: shared, filters: filters)
            if let warning = KitAccess.warning(of: family, filters: filters) { Terminal.warning(warning) }
            let tree = try KitFileSystem(family, store: store, modes: ModePolicy())
            let path = try EntryPath(parsing: Array(path.utf8))
            var attributes = try tree.block { tree.attributes(.root, $0) }
            for name in path.names {
                let parent = attributes.inode
                attributes = try tree.block { tree.lookup(parent, name, $0) }
            }
            if attributes.kind == .directory {
                try list(tree, attributes.inode, path)
            } else {
                show(attributes, path)
            }
        } catch let error as FileSystemError {
            throw Self.failure(error, kit.text, path)
        } catch {
            throw CommandFailure(error, kit.text)
        }
    }

    private func list(_ tree: KitFileSystem, _ inode: InodeNumber, _ path: EntryPath) throws {
        var waiting = [(inode, path)]
        while let (inode, path) = waiting.popLast() {
            let below = try listOne(tree, inode, path)
            if recursive { waiting += below.reversed() }
        }
    }

    /// Shows one directory and returns those in it.
    private func listOne(
        _ tree: KitFileSystem, _ inode: InodeNumber, _ path: EntryPath
    ) throws -> [(InodeNumber, EntryPath)] {
        let listing = try tree.block { tree.listing(inode, $0) }
        var below: [(InodeNumber, EntryPath)] = []
        for position in 0..<listing.count {
            guard let item = tree.item(listing, at: position) else { break }
            let itemPath = path.appending(item.name)
            let attributes = try item.attributes ?? tree.block { tree.lookup(inode, item.name, $0) }
            show(attributes, itemPath)
            if attributes.kind == .directory { below.append((attributes.inode, itemPath)) }
        }
        return below
    }

    private func show(_ attributes: Attributes, _ path: EntryPath) {
        let bytes = Array(path.names.map(\.bytes).joined(separator: [47]))
        let type = attributes.kind == .directory ? "d" : attributes.kind == .file ? "-" : "l"
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let row = Row(
                path: String(decoding: bytes, as: UTF8.self), type: type == "-" ? "f" : type,
                mode: "0" + String(attributes.mode, radix: 8), size: attributes.size, modified: attributes.modified)
            // Strings and integers always encode.
            if let line = try? encoder.encode(row) { Terminal.out(Array(line) + [10]) }
            return
        }
        var line: [UInt8] = []
        if long {
            let size = String(attributes.kind == .directory ? 0 : attributes.size)
            let padding = String(repeating: " ", count: max(0, 14 - size.count))
            line += Array(
                "\(type)\(Self.permissions(attributes.mode))\(padding)\(size)  \(Self.day(attributes.modified))  ".utf8)
        }
        Terminal.out(line + Terminal.name(bytes) + (attributes.kind == .directory ? [47, 10] : [10]))
    }

    private static func permissions(_ mode: UInt16) -> String {
        String((0..<9).map { mode & (0o400 >> $0) == 0 ? "-" : Array("rwx")[$0 % 3] })
    }

    /// `seconds` since 1970, which a kit may have say anything: what no calendar has is shown as it is.
    static func day(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "@\(seconds)" }
        func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(Int(parts.tm_year) + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    }

    private static func failure(_ error: FileSystemError, _ reference: String, _ path: String) -> CommandFailure {
        switch error {
        case .layer(_, let error): CommandFailure(error, reference)
        case .misplaced, .conflicting: CommandFailure(.unusable, "\(reference): \(error)")
        case .notFound: CommandFailure(.notFound, "\(reference): \(path): \(error)")
        default: CommandFailure(.failed, "\(reference): \(path): \(error)")
        }
    }
}
