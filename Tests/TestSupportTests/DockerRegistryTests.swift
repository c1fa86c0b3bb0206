// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct DockerRegistryTests {
    /// A kit of one layer of about 200 kB in a layout.
    private func makeKit(_ directory: TemporaryDirectory) throws -> (layout: String, written: KitBuilder.Written) {
        let layout = try directory.subdirectory("layout")
        var tar = TarBuilder()
        tar.directory("model")
        tar.file("model/weights.bin", (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .model, path: "model/weights.bin", tar: tar.finish(), name: "weights")
        return (layout, try kit.write(tag: "v1", package: "tested"))
    }

    private func curl(_ registry: DockerRegistry, _ path: String, _ more: [String] = []) throws -> CommandResult {
        let options = ["-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code}"]
        return try Command.run("curl", options + more + [registry.url + path])
    }

    @Test func pushStopStartAndGet() throws {
        let directory = try TemporaryDirectory()
        let (layout, written) = try makeKit(directory)
        let registry = try DockerRegistry()
        try registry.push(layout: layout, tag: "v1", to: "team/tested:v1")
        let accept = ["-H", "Accept: application/vnd.oci.image.manifest.v1+json"]
        let manifest = try curl(registry, "/v2/team/tested/manifests/v1", accept)
        #expect(manifest.errorOutput == "200")
        #expect(Sha256.hex(manifest.stdout) == written.manifestHex)

        let host = registry.host
        registry.stop()
        #expect(!registry.isRunning)
        #expect(try curl(registry, "/v2/").exitCode == 7)
        // Requests that were logged before the registry stopped are still listed.
        #expect(try registry.requests().contains { $0.uri == "/v2/team/tested/manifests/v1" && $0.status == 200 })
        try registry.start()
        #expect(registry.host == host)
        let layer = try curl(registry, "/v2/team/tested/blobs/sha256:" + written.layerHexes[0])
        #expect(Sha256.hex(layer.stdout) == written.layerHexes[0])
    }

    @Test func requestsAreCounted() throws {
        let directory = try TemporaryDirectory()
        let (layout, written) = try makeKit(directory)
        let hex = written.layerHexes[0]
        let blob = "/v2/tested/blobs/sha256:" + hex
        let registry = try DockerRegistry()
        #expect(try registry.requests().isEmpty)
        try registry.push(layout: layout, tag: "v1", to: "tested:v1")
        #expect(try registry.requests().contains { $0.method == "PUT" && $0.uri == "/v2/tested/manifests/v1" })
        try registry.resetRequests()
        #expect(try registry.requests().isEmpty)

        let size = try curl(registry, blob).stdout.count
        #expect(size > 200_000)
        _ = try curl(registry, blob, ["-r", "10-19"])
        _ = try curl(registry, "/v2/tested/blobs/sha256:" + String(repeating: "0", count: 64))
        let requests = try registry.requests()
        #expect(requests.map(\.status) == [200, 206, 404])
        #expect(requests.map(\.uri).prefix(2) == [blob, blob])
        #expect(requests.map(\.bytesWritten).prefix(2) == [size, 10])
        #expect(try registry.bytesMoved(blob: hex) == size + 10)
        #expect(try registry.totalBlobBytes() >= size + 10)
        try registry.resetRequests()
        #expect(try registry.totalBlobBytes() == 0)
    }

    @Test func aFlippedByteIsServed() throws {
        let directory = try TemporaryDirectory()
        let (layout, written) = try makeKit(directory)
        let hex = written.layerHexes[0]
        let registry = try DockerRegistry()
        try registry.push(layout: layout, tag: "v1", to: "tested:v1")
        let path = "/v2/tested/blobs/sha256:" + hex
        let before = try curl(registry, path).stdout
        try registry.flipByte(hex: hex, at: 100_000)
        let after = try curl(registry, path).stdout
        #expect(before.indices.filter { before[$0] != after[$0] } == [100_000])
        try registry.flipByte(hex: hex, at: 100_000)
        #expect(try curl(registry, path).stdout == before)
        #expect(throws: TestSupportError.self) { try registry.flipByte(hex: hex, at: before.count) }
    }

    @Test func aPasswordIsWanted() throws {
        let directory = try TemporaryDirectory()
        let layout = try makeKit(directory).layout
        let registry = try DockerRegistry(htpasswd: ("kit", "fs-secret"))
        #expect(try curl(registry, "/v2/").errorOutput == "401")
        #expect(try curl(registry, "/v2/", ["-u", "kit:wrong"]).errorOutput == "401")
        #expect(try curl(registry, "/v2/", ["-u", "kit:fs-secret"]).errorOutput == "200")
        #expect(try registry.requests().map(\.status) == [401, 401, 200])
        try registry.push(layout: layout, tag: "v1", to: "tested:v1")
    }

    @Test func tlsIsSpokenWithAnAuthorityOfItsOwn() throws {
        let directory = try TemporaryDirectory()
        let layout = try makeKit(directory).layout
        let registry = try DockerRegistry(tls: true)
        let ca = try #require(registry.caFile)
        #expect(try curl(registry, "/v2/").exitCode == 60)
        #expect(try curl(registry, "/v2/", ["--cacert", ca]).errorOutput == "200")
        let byName = ["--noproxy", "*", "--cacert", ca, "--resolve", "localhost:\(registry.port):127.0.0.1"]
        let named = try Command.run("curl", ["-sS"] + byName + ["https://localhost:\(registry.port)/v2/"])
        #expect(named.output == "{}")
        try registry.push(layout: layout, tag: "v1", to: "tested:v1")
        #expect(try registry.requests().contains { $0.uri == "/v2/tested/manifests/v1" })
    }

    @Test func aProxyInFrontCountsWhatMoved() throws {
        let directory = try TemporaryDirectory()
        let (layout, written) = try makeKit(directory)
        let registry = try DockerRegistry(tls: true)
        try registry.push(layout: layout, tag: "v1", to: "tested:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        let url = "https://\(proxy.host)/v2/tested/blobs/sha256:\(written.layerHexes[0])"
        let result = try Command.run("curl", ["-sS", "--noproxy", "*", "--cacert", try #require(registry.caFile), url])
        #expect(Sha256.hex(result.stdout) == written.layerHexes[0])
        #expect(proxy.downstreamBytes > result.stdout.count)
        proxy.cutAfter = 50_000
        #expect(try Command.run("curl", ["-sSk", "--noproxy", "*", url]).exitCode != 0)
    }

    @Test func droppingItLeavesNothing() throws {
        var registry: DockerRegistry? = try DockerRegistry()
        let port = try #require(registry?.port)
        let path = try #require(registry?.directory.path)
        registry = nil
        #expect(throws: TestSupportError.self) { try LoopbackSocket.connect(port: port) }
        #expect(access(path, F_OK) != 0)
    }
}
