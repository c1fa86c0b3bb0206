// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// A real registry behind a network that fails.
@Suite final class RegistryFaultTests {
    private let filled: FilledRegistry
    private let proxy: FaultProxy
    private let source: any ArtifactSource

    /// Timeout 4 s; the scheme is known.
    init() throws {
        filled = try FilledRegistry()
        proxy = try FaultProxy(upstreamPort: filled.registry.port)
        source = try filled.source(host: proxy.host)
        _ = try source.resolve()
    }

    deinit { proxy.stop() }

    @Test func cutsAreResumedAtTheByteReached() throws {
        let (blob, bytes) = try FilledRegistry.model()
        let before = proxy.downstreamBytes
        proxy.cutAfter = 600_000
        #expect(try source.bytes(blob) == bytes)
        let moved = proxy.downstreamBytes - before
        #expect(proxy.connections >= 4)
        // Headers, and bytes that a reset discarded from the kernel's buffers.
        #expect(moved < bytes.count + 400_000, "\(moved) bytes moved for \(bytes.count)")
    }

    @Test func aRangeIsResumedToo() throws {
        let (blob, bytes) = try FilledRegistry.model()
        let range = try #require(ByteRange(start: 123_457, count: 1_500_001))
        proxy.cutAfter = 400_000
        #expect(try source.bytes(blob, range) == Array(bytes[123_457..<1_623_458]))
    }

    @Test func aManifestIsAskedForAgain() throws {
        proxy.cutAfter = 300
        let proxy = proxy
        let thread = try Later(seconds: 0.4) { proxy.cutAfter = nil }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        thread.join()
    }

    @Test func aStallBeforeTheAnswer() throws {
        proxy.stalled = true
        let (blob, _) = try FilledRegistry.model()
        for attempt in [{ [source] in _ = try source.resolve() }, { [source] in _ = try source.bytes(blob) }] {
            let start = monotonicSeconds()
            let error = #expect(throws: SourceError.self) { try attempt() }
            expectUnreachable(error, since: start)
        }
    }

    @Test func aStallInTheMiddle() throws {
        let (blob, bytes) = try FilledRegistry.model()
        proxy.bytesPerSecond = 1_000_000
        var got: [UInt8] = []
        var last = monotonicSeconds()
        let error = #expect(throws: SourceError.self) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { piece in
                piece.withUnsafeBytes { got.append(contentsOf: $0) }
                last = monotonicSeconds()
                if got.count > 1_000_000 { proxy.stalled = true }
            }
        }
        expectUnreachable(error, since: last)
        #expect(got == Array(bytes.prefix(got.count)))
        #expect((1_000_000..<2_000_000).contains(got.count))
    }

    @Test func aStallThatEndsIsSurvived() throws {
        let (blob, bytes) = try FilledRegistry.model()
        proxy.stalled = true
        let proxy = proxy
        let thread = try Later(seconds: 2) { proxy.stalled = false }
        #expect(try source.bytes(blob) == bytes)
        thread.join()
    }

    @Test func cancellationEndsAStall() throws {
        let (blob, _) = try FilledRegistry.model()
        let source = try filled.source(host: proxy.host) { $0.timeout = 60 }
        _ = try source.resolve()
        proxy.stalled = true
        let cancellation = Cancellation()
        let start = monotonicSeconds()
        let thread = try Later(seconds: 0.5) { cancellation.cancel() }
        #expect(throws: SourceError.cancelled) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: cancellation) { _ in }
        }
        #expect((0.5...2.5).contains(monotonicSeconds() - start))
        thread.join()
    }

    /// The timeout is 4 s, and the longest wait 1.5 times that.
    private func expectUnreachable(_ error: SourceError?, since start: Double) {
        let seconds = monotonicSeconds() - start
        guard case .unreachable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(proxy.host))
        #expect((2...6).contains(seconds), "\(seconds) s")
    }
}
