// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import Testing

/// Records its calls, and answers each with a value of its own.
private final class RecordingSource: ArtifactSource {
    private let asked = Mutex<[String]>([])
    var questions: [String] { asked.withLock { $0 } }
    let reference = Reference(origin: .layout(directory: "recorded"), tag: .latest, digest: nil)

    private func note(_ question: String) { asked.withLock { $0.append(question) } }

    var trouble: String? { "a trouble" }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        note("resolve \(digest?.short ?? "nil")")
        throw .notFound("resolve")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        note("fetch \(range.start)+\(range.count)")
        try receive([UInt8](repeating: 7, count: Int(range.count)).span.bytes)
    }

    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        note("parts \(ranges.count)")
        return ranges.map { _ in [7] }
    }

    func distrust(_ blob: Descriptor) -> Bool {
        note("distrust")
        return true
    }
}

private struct PlainDecorator: SourceDecorator { let base: any ArtifactSource }

/// A decorator with bytes of its own.
private struct FillingDecorator: SourceDecorator {
    let base: any ArtifactSource

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try receive([UInt8](repeating: 9, count: Int(range.count)).span.bytes)
    }
}

/// What a decorator does not define is done by the source behind it.
@Suite struct SourceDecoratorTests {
    private let source = RecordingSource()
    private let digest = DigestHasher.digest(of: [9, 9])
    private var blob: Descriptor { Descriptor(mediaType: .kitConfig, digest: digest, size: 2) }

    @Test func whatItDoesNotDefineIsForwarded() throws {
        // Called through the protocol, as everywhere.
        let decorated: any ArtifactSource = PlainDecorator(base: PlainDecorator(base: source))
        #expect(decorated.reference == source.reference)
        #expect(decorated.trouble == "a trouble")
        #expect(throws: SourceError.notFound("resolve")) { try decorated.resolve(digest) }
        let range = ByteRange(upTo: 2)
        var bytes: [UInt8] = []
        try decorated.fetch(blob, range: range, cancellation: Cancellation()) { piece in
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        #expect(bytes == [7, 7])
        #expect(decorated.parts(of: blob, [range, range, range], cancellation: Cancellation()) == [[7], [7], [7]])
        #expect(decorated.distrust(blob))
        #expect(source.questions == ["resolve \(digest.short)", "fetch 0+2", "parts 3", "distrust"])
    }

    @Test func aSmallBlobIsFetchedAsTheDecoratorFetches() throws {
        let decorated: any ArtifactSource = FillingDecorator(base: source)
        #expect(try decorated.smallBlob(blob, at: "here") == [9, 9])
        #expect(source.questions.isEmpty)
    }
}
