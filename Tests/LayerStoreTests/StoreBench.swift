// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import OCI
import Synchronization
import TestSupport

@testable import LayerStore

/// A cache of a test's own, and stores on it: each behaves towards the others like another process, since locks belong
/// to descriptors.
struct StoreBench {
    let directory: TemporaryDirectory
    let source: MemorySource

    init() throws {
        directory = try TemporaryDirectory()
        source = try MemorySource()
    }

    var path: String { directory.path + "/cache" }

    func store(_ place: String? = nil) throws -> LayerStore {
        LayerStore(
            cache: try CacheDirectory(path: place ?? path),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func tar(_ files: [(String, [UInt8])]) -> [UInt8] {
        var tar = TarBuilder()
        for (name, content) in files { tar.file(name, content) }
        return tar.finish()
    }

    /// Bytes that do not repeat, made by a small generator from a seed.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed | 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    func files(_ part: String) throws -> [String] {
        try Command.run("find", [path + "/" + part, "-type", "f"]).output.split(separator: "\n").map(String.init)
    }
}

/// Waits for a callback, ten seconds at most.
final class Outcome: Sendable {
    private let state = Mutex<(isCalled: Bool, error: StoreError?)>((false, nil))

    var waiter: Layer.Waiter { { error in self.state.withLock { $0 = (true, error) } } }
    var isCalled: Bool { state.withLock { $0.isCalled } }

    /// nil for success.
    func wait() throws -> StoreError? {
        try eventually(within: 10, "the layer calls back") { isCalled }
        return state.withLock { $0.error }
    }
}

extension Layer {
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

    /// The bytes of a file; nil if it has none such or must be waited for.
    func bytes(_ path: String) throws -> [UInt8]? {
        guard let index, let number = index.number(at: try EntryPath(parsing: Array(path.utf8))),
            case .file(let content)? = index.entry(number)?.kind, let file = try openFile(content: content)
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(file.size))
        let count = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
        return count == bytes.count ? bytes : nil
    }
}
