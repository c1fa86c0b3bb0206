// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Logging
import ModelKit
import OCI
import Synchronization
import TestSupport

@testable import KitFileSystem
import LayerCache
@testable import LayerStore

/// A kit in memory, and its tree: the file system without FUSE.
struct TreeFixture {
    let directory: TemporaryDirectory
    let source: MemorySource
    private var descriptors: [Descriptor] = []
    private var elements: [(list: String, json: String)] = []

    init() throws {
        directory = try TemporaryDirectory()
        source = try MemorySource()
    }

    /// Adds a dataset layer with this declared path. `form` is the end of its media type.
    mutating func add(_ path: String, form: String = "tar", _ make: (inout TarBuilder) -> Void) throws {
        var tar = TarBuilder()
        make(&tar)
        var bytes = tar.finish()
        if form.hasSuffix("gzip") { bytes = try Command.check("gzip", ["-nc"], input: bytes).stdout }
        let blob = try source.add(bytes, "application/vnd.kitops.modelkit.dataset.v1.\(form)")
        descriptors.append(blob)
        elements.append(("datasets", "{\"path\":\"\(path)\",\"digest\":\"\(blob.digest)\",\"diffId\":\"x\"}"))
    }

    /// Adds a raw model part, whose path is an annotation. `metadata` is JSON.
    mutating func addRaw(_ path: String, _ content: [UInt8], metadata: String? = nil, form: String = "raw") throws {
        var bytes = content
        if form.hasSuffix("zstd") { bytes = try Command.check("zstd", ["-qc"], input: bytes).stdout }
        let blob = try source.add(bytes, "application/vnd.kitops.modelkit.modelpart.v1.\(form)")
        var annotations = ["org.cncf.model.filepath": path]
        annotations["org.cncf.model.file.metadata+json"] = metadata
        descriptors.append(
            Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size, annotations: annotations))
    }

    func tree(_ modes: ModePolicy = ModePolicy(), filters: [String] = []) throws -> KitFileSystem {
        let config = Array(
            "{\"manifestVersion\":\"1.0.0\",\"datasets\":[\(elements.map(\.json).joined(separator: ","))]}".utf8)
        let type = "application/vnd.kitops.modelkit.config.v1+json"
        let described = try source.add(config, type)
        let layers = try descriptors.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        source.setManifest(
            Array(
                #"{"schemaVersion":2,"config":{"mediaType":"\#(type)","digest":"\#(described.digest)","#.utf8)
                + Array(#""size":\#(described.size)},"layers":[\#(layers.joined(separator: ","))]}"#.utf8))
        let family = try KitFamily.fetch(source.reference, filters: filters.map { try KitFilter(parsing: $0) }) { _ in
            source
        }
        let store = LayerStore(
            cache: try CacheDirectory(path: directory.path + "/cache"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return try KitFileSystem(family, store: store, modes: modes)
    }
}

extension KitFileSystem {
    /// Waits for what an operation needs, as the mount would.
    func wait<Value>(_ attempt: (Failures) -> Attempt<Value>) throws -> Value {
        var failures: Failures = [:]
        for _ in 0..<10 {
            switch attempt(failures) {
            case .done(let value): return value
            case .failed(let error): throw error
            case .needs(let needs):
                let met = Mutex<[(layer: Int, error: StoreError?)]>([])
                for need in needs { _ = require(need) { error in met.withLock { $0.append((need.layer, error)) } } }
                try eventually(within: 10, "\(needs) are met") { met.withLock { $0.count } == needs.count }
                for (layer, error) in met.withLock({ $0 }) { failures[layer] = error ?? failures[layer] }
            }
        }
        throw TestSupportError("the operation goes on needing things")
    }

    func find(_ path: String) throws -> Attributes {
        var found = try wait { attributes(.root, $0) }
        for name in try EntryPath(parsing: Array(path.utf8)).names {
            let parent = found.inode
            found = try wait { lookup(parent, name, $0) }
        }
        return found
    }

    func names(_ path: String) throws -> [String] {
        let inode = try find(path).inode
        let listing = try wait { self.listing(inode, $0) }
        return (0..<listing.count).compactMap { item(listing, at: $0)?.name.description }
    }

    func content(_ path: String) throws -> [UInt8] {
        let inode = try find(path).inode
        let opened = try wait { open(inode, $0) }
        defer { close(opened.handle) }
        return try wait { failures in
            var bytes = [UInt8](repeating: 0, count: 100)
            return switch bytes.withUnsafeMutableBytes({ read(opened.handle, at: 0, into: $0, failures) }) {
            case .done(let count): .done(Array(bytes[0..<count]))
            case .failed(let error): .failed(error)
            case .needs(let needs): .needs(needs)
            }
        }
    }
}
