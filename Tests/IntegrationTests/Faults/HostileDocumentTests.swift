// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Invalid or oversized manifests, indexes and configs give one clear line, and exit code 6.
@Suite struct HostileDocumentTests {
    private let bench: CommandFixture
    private let layout: OCILayout

    init() throws {
        bench = try CommandFixture()
        layout = OCILayout(directory: try bench.directory.subdirectory("layout"))
    }

    private func expectRefused(_ what: String, tag: String = "v1") throws {
        let reference = "oci:\(layout.directory):\(tag)"
        let target = try bench.directory.subdirectory("m")
        for arguments in [["mount", reference, target], ["inspect", reference], ["ls", reference]] {
            let result = try Command.run(
                CommandFixture.executable, arguments, environment: bench.environment, timeout: 60)
            #expect(result.exitCode == 6, "\(what): \(arguments[0]): \(result.exitCode): \(result.errorOutput)")
            #expect(result.errorOutput.split(separator: "\n").count == 1, "\(what): \(result.errorOutput)")
            #expect(result.errorOutput.contains(layout.directory), "\(what): \(result.errorOutput)")
            #expect(result.errorOutput.utf8.count < 1000, "\(what)")
        }
        for part in ["layers", "partial", "trash"] { #expect(try bench.cachedFiles(below: part).isEmpty) }
    }

    private static func nested(_ open: String, _ inside: String, _ close: String, depth: Int = 100_000) -> String {
        String(repeating: open, count: depth) + inside + String(repeating: close, count: depth)
    }

    private static let texts: [(what: String, text: String)] = [
        ("nothing", ""), ("words", "garbage"), ("null", "null"), ("a list", "[]"), ("a number", "1e999"),
        ("cut", #"{"schemaVersion":2,"config":{"#), ("not UTF-8", "{\"a\":\"\u{0}\"}"),
        ("nested lists", nested("[", "", "]")), ("nested objects", nested(#"{"a":"#, "1", "}")),
        ("never closed", nested("[", "", "")),
    ]

    @Test(arguments: texts.map(\.what)) func manifests(_ what: String) throws {
        let text = try #require(Self.texts.first { $0.what == what }?.text)
        try layout.tag(try layout.addBlob(Array(text.utf8), mediaType: OCILayout.manifestType), as: "v1")
        try expectRefused(what)
        // The same text inside an otherwise valid manifest.
        let around = #"{"schemaVersion":2,"config":null,"layers":\#(text)}"#
        try layout.tag(try layout.addBlob(Array(around.utf8), mediaType: OCILayout.manifestType), as: "v2")
        try expectRefused(what, tag: "v2")
    }

    @Test(arguments: texts.map(\.what)) func configs(_ what: String) throws {
        let text = try #require(Self.texts.first { $0.what == what }?.text)
        try tag(config: Array(text.utf8))
        try expectRefused(what)
    }

    /// Deep nesting in a Kitfile's value must not overflow the stack, whether it is refused or shown.
    @Test(arguments: [100, 500, 2_000, 100_000]) func nestedParameters(_ depth: Int) throws {
        let text = #"{"model":{"path":"m","parameters":"# + Self.nested("[", "", "]", depth: depth) + "}}"
        try tag(config: Array(text.utf8))
        let (code, message) = try bench.failure("inspect", "oci:\(layout.directory):v1")
        #expect(code == 0 || code == 6, "\(code): \(message)")
        if depth > 1_000 { try expectRefused("parameters nested \(depth) deep") }
    }

    /// - Parameter size: the size in the manifest; nil for the true one.
    private func tag(config: [UInt8], size: Int? = nil) throws {
        var descriptor = try layout.addBlob(config, mediaType: "application/vnd.kitops.modelkit.config.v1+json")
        descriptor.size = size ?? descriptor.size
        let text =
            #"{"schemaVersion":2,"config":{"mediaType":"\#(descriptor.mediaType)","digest":"#
            + #""\#(descriptor.digest)","size":\#(descriptor.size)},"layers":null}"#
        try layout.tag(try layout.addBlob(Array(text.utf8), mediaType: OCILayout.manifestType), as: "v1")
    }

    @Test(arguments: [0, 1, 40, 1000, 100 << 20, Int.max]) func aConfigOfAnotherSize(_ size: Int) throws {
        try tag(config: Array(#"{"manifestVersion":"1.0.0","package":{"name":"x"}}"#.utf8), size: size)
        try expectRefused("a config told to have \(size) bytes")
    }

    @Test func aManifestOf100MB() throws {
        var descriptor = try layout.addBlob(Array(#"{"schemaVersion":2}"#.utf8), mediaType: OCILayout.manifestType)
        try Command.check("truncate", ["-s", "100M", layout.blobFile(descriptor.hex)])
        descriptor.size = 100 << 20
        try layout.tag(descriptor, as: "v1")
        try expectRefused("a manifest of 100 MB")
    }

    @Test func aManifestOf100MBFromARegistry() throws {
        // Made here, since a client would wait while the handler makes it.
        let manifest = String(repeating: " ", count: 100 << 20)
        let server = try LittleServer { request, connection in
            let body = request.path.contains("/manifests/") ? manifest : ""
            connection.send(status: 200, headers: ["Content-Type": OCILayout.manifestType], body: body)
        }
        let (code, message) = try bench.failure("inspect", "\(server.host)/a/b:v1")
        #expect(code == 6)
        #expect(message.contains("8 MiB"), "\(message)")
        server.stop()
    }

    @Test(arguments: ["../x", "/etc", "a/../../b", "a\u{0}b"]) func paths(_ path: String) throws {
        var kit = KitBuilder(directory: layout.directory)
        var tar = TarBuilder()
        tar.file("x", [1])
        try kit.addLayer(kind: .dataset, path: path, tar: tar.finish())
        try kit.write(tag: "v1", package: "x")
        guard !path.isEmpty else {
            return #expect(try bench.failure("inspect", "oci:\(layout.directory):v1").code == 0)
        }
        try expectRefused("the path “\(path)”")
    }
}
