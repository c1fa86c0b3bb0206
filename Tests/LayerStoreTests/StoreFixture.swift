// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import OCI
import Synchronization
import TestSupport

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// A cache of the test's own, and stores on it. Locks belong to descriptors, so two stores behave like two processes.
struct StoreFixture {
    let directory: TemporaryDirectory
    let source: MemorySource

    init() throws {
        directory = try TemporaryDirectory()
        source = try MemorySource()
    }

    var path: String { directory.path + "/cache" }

    func store(_ place: String? = nil, timeout: Int = 60, timeouts: StoreTimeouts = StoreTimeouts()) throws
        -> LayerStore
    {
        LayerStore(
            cache: try CacheDirectory(path: place ?? path), concurrency: 5, timeout: timeout, timeouts: timeouts,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func tar(_ files: [(String, [UInt8])]) -> [UInt8] {
        var tar = TarBuilder()
        for (name, content) in files { tar.file(name, content) }
        return tar.finish()
    }

    /// Bytes that do not repeat, from a small generator with a seed.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed | 1
        var words = [UInt64](repeating: 0, count: (count + 7) / 8)
        for place in words.indices {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            words[place] = state ^ state >> 29
        }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }

    /// A layer of this form, once it is listed.
    func listed(_ store: LayerStore, _ blob: Descriptor, _ form: LayerForm = LayerForm(.tar)) throws -> Layer {
        let layer = store.layer(blob, form: form, source: source)
        if let error = try layer.listed() { throw error }
        return layer
    }

    func gzip(_ tar: [UInt8]) throws -> Descriptor {
        try source.add(
            Command.check("gzip", ["-nc"], input: tar).stdout, "application/vnd.kitops.modelkit.dataset.v1.tar+gzip")
    }

    func files(_ part: String) throws -> [String] {
        try Command.run("find", [path + "/" + part, "-type", "f"]).output.split(separator: "\n").map(String.init)
    }
}

/// The result of a waiter. Waiting for it takes ten seconds at most.
final class Outcome: Sendable {
    private let state = Mutex<(isCalled: Bool, error: StoreError?)>((false, nil))

    var waiter: Layer.Waiter { { error in self.state.withLock { $0 = (true, error) } } }
    var isCalled: Bool { state.withLock { $0.isCalled } }

    /// The error, or nil for success.
    func wait() throws -> StoreError? {
        try eventually(within: 10, "the layer calls back") { isCalled }
        return state.withLock { $0.error }
    }
}

extension StreamFile {
    private func outcome(_ offset: UInt64, _ bytes: inout [UInt8]) throws -> Outcome {
        try bytes.withUnsafeMutableBytes { buffer throws -> Outcome in try read(at: offset, into: buffer) }
    }

    /// The bytes of the file if they are present; nil if a reader would have to wait.
    func present(_ offset: UInt64, _ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        guard case .read(let count) = try outcome(offset, &bytes) else { return nil }
        return Array(bytes[..<count])
    }

    /// Reads as a mount does: waits for missing bytes, and tries again.
    func bytes(_ offset: UInt64, _ count: Int, of layer: Layer) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        for _ in 0..<50 {
            switch try outcome(offset, &bytes) {
            case .read(let count): return Array(bytes[..<count])
            case .absent(let range, let ahead):
                if let error = try layer.range(range, ahead: ahead) { throw error }
            }
        }
        throw TestSupportError("what was waited for came and was gone again, 50 times")
    }
}

extension Layer {
    func range(_ range: ByteRange, ahead: UInt64) throws -> StoreError? {
        let outcome = Outcome()
        _ = requireRange(range, ahead: ahead, outcome.waiter)
        return try outcome.wait()
    }

    /// Opens a file whose content need not be present. Its entry must be known.
    func stream(_ path: String) throws -> StreamFile {
        guard let index, let number = index.number(at: try EntryPath(parsing: Array(path.utf8))),
            case .file(let content)? = index.entry(number)?.kind
        else { throw TestSupportError("no file \(path)") }
        return openStream(content: content)
    }

    func content() throws -> StoreError? {
        let outcome = Outcome()
        _ = requireContent(outcome.waiter)
        return try outcome.wait()
    }

    func listed() throws -> StoreError? {
        let outcome = Outcome()
        _ = requireIndex(outcome.waiter)
        return try outcome.wait()
    }

    /// The bytes of a file; nil if there is no such file or its content is not present.
    func bytes(_ path: String) throws -> [UInt8]? {
        guard let index, let number = index.number(at: try EntryPath(parsing: Array(path.utf8))),
            case .file(let content)? = index.entry(number)?.kind, let file = try openFile(content: content)
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(file.size))
        let count = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
        return count == bytes.count ? bytes : nil
    }
}
