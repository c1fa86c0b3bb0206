// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// A real registry.
@Suite struct RegistrySourceTests {
    @Test func resolvesAndFetches() throws {
        let filled = try FilledRegistry()
        let source = try filled.source()
        // Plain HTTP on loopback, without a flag.
        let resolved = try source.resolve()
        #expect(resolved.digest.hex == FilledRegistry.manifestHex)
        #expect(Sha256.hex(resolved.bytes) == FilledRegistry.manifestHex)
        let pinned = try filled.source("team/kit@sha256:" + FilledRegistry.manifestHex).resolve()
        #expect(pinned.bytes == resolved.bytes)

        let manifest = try #require(ResolvedManifest(resolved)).manifest
        let config = try source.smallBlob(manifest.config, at: "here")
        #expect(Sha256.hex(config) == manifest.config.digest.hex)
        let (blob, bytes) = try FilledRegistry.model()
        try filled.registry.resetRequests()
        #expect(try source.bytes(blob) == bytes)
        for (start, count) in [(0, 1), (0, 1000), (1_000_001, 70_000), (2_099_199, 1), (2_000_000, 99_200)] {
            let range = try #require(ByteRange(start: UInt64(start), count: UInt64(count)))
            #expect(try source.bytes(blob, range) == Array(bytes[start..<(start + count)]))
        }
        #expect(try source.bytes(blob, ByteRange(upTo: 0)) == [])
        // Each requested byte was transferred once.
        let wanted = bytes.count + 1 + 1000 + 70_000 + 1 + 99_200
        #expect(try filled.registry.bytesMoved(blob: blob.digest.hex) == wanted)
        #expect(try filled.registry.requests().map(\.status) == [200, 206, 206, 206, 206, 206])
    }

    @Test func whatIsNotThere() throws {
        let filled = try FilledRegistry()
        let zeros = String(repeating: "0", count: 64)
        for name in ["team/kit:v9", "other/kit:v1", "team/kit@sha256:" + zeros] {
            let error = #expect(throws: SourceError.self) { try filled.source(name).resolve() }
            guard case .notFound(let reason)? = error else {
                Issue.record("\(name): \(String(describing: error))")
                return
            }
            #expect(reason.contains("HTTP 404") && reason.contains(filled.registry.host))
        }
        let blob = Descriptor(
            mediaType: .kitConfig, digest: try #require(Digest("sha256:" + zeros)), size: 10)
        let error = #expect(throws: SourceError.self) { try filled.source().bytes(blob) }
        guard case .notFound? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aBlobOfAnotherSizeIsRefused() throws {
        let filled = try FilledRegistry()
        let (blob, _) = try FilledRegistry.model()
        let longer = Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size + 1)
        for range in [ByteRange(upTo: longer.size), ByteRange(upTo: 10)] {
            let error = #expect(throws: SourceError.self) { try filled.source().bytes(longer, range) }
            guard case .unusable(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("2099200 bytes, the manifest says 2099201"))
        }
    }

    @Test func whatTheCallerThrowsEndsTheTransfer() throws {
        struct Stop: Error {}
        let filled = try FilledRegistry()
        let (blob, _) = try FilledRegistry.model()
        let source = try filled.source()
        #expect(throws: Stop.self) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { _ in
                throw Stop()
            }
        }
        // The handle can be reused.
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
    }

    @Test func nobodyThere() throws {
        let port = try freePort()
        var settings = SourceSettings(environment: [:])
        settings.timeout = 2
        let source = try settings.source(for: Reference(parsing: "127.0.0.1:\(port)/team/kit:v1"))
        let (blob, _) = try FilledRegistry.model()
        for attempt in [{ _ = try source.resolve() }, { _ = try source.bytes(blob) }] {
            let start = monotonicSeconds()
            let error = #expect(throws: SourceError.self) { try attempt() }
            guard case .unreachable(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("127.0.0.1:\(port)"))
            #expect((0.5...3).contains(monotonicSeconds() - start))
        }
    }

    @Test func anOutageIsWaitedFor() throws {
        let filled = try FilledRegistry()
        let (blob, bytes) = try FilledRegistry.model()
        let source = try filled.source()
        _ = try source.resolve()
        filled.registry.stop()
        let registry = filled.registry
        let thread = try Later(seconds: 0.5) { do { try registry.start() } catch { Issue.record(error) } }
        #expect(try source.bytes(blob) == bytes)
        thread.join()
    }
}
