// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import OCI

@Suite struct ManifestTests {
    private static let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private static let config =
        #""config":{"mediaType":"application/vnd.kitops.modelkit.config.v1+json","digest":"\#(digest)","size":2}"#

    private func parse(_ json: String) throws(ManifestError) -> Manifest { try Manifest(parsing: Array(json.utf8)) }

    @Test func asKitWroteIt() throws {
        let hex = "31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
        let manifest = try Manifest(parsing: readFile(Fixtures.blob("plain-small", hex)))
        #expect(manifest.mediaType == nil)
        #expect(manifest.artifactType == nil)
        #expect(manifest.config.mediaType == .kitConfig)
        #expect(manifest.config.size == 1594)
        #expect(manifest.layers.map(\.size) == [2_099_200, 43_008, 7168, 229_376, 2048])
        #expect(manifest.layers.map(\.digest.short).first == "4529e6937459")
        #expect(manifest.annotations == ["ml.kitops.modelkit.cli-version": "v1.7.0-19-ga041892"])
    }

    @Test func noLayers() throws {
        for layers in [#""layers":null,"#, "", #""layers":[],"#] {
            let manifest = try parse("{\"schemaVersion\":2,\(layers)\(Self.config)}")
            #expect(manifest.layers.isEmpty)
            #expect(manifest.annotations.isEmpty)
        }
    }

    @Test func typesWhereTheyAreGiven() throws {
        let manifest = try parse(
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"x/y","#
                + Self.config + #","subject":null,"annotations":{"a":"b"}}"#)
        #expect(manifest.mediaType == .imageManifest)
        #expect(manifest.artifactType?.description == "x/y")
        #expect(manifest.annotations == ["a": "b"])
    }

    @Test func anIndexIsNone() {
        #expect(throws: ManifestError.isIndex) { try parse(#"{"schemaVersion":2,"manifests":[]}"#) }
    }

    @Test(arguments: [
        "", " ", "x", "[]", "null", "12", "\"x\"", "{", "{}", "{\"schemaVersion\":2}", "{\(config)}",
        "{\"schemaVersion\":1,\(config)}", "{\"schemaVersion\":3,\(config)}", "{\"schemaVersion\":\"2\",\(config)}",
        "{\"schemaVersion\":2.5,\(config)}", "{\"schemaVersion\":null,\(config)}", "{\"schemaVersion\":1e99,\(config)}",
        "{\"schemaVersion\":2,\(config),\"layers\":{}}", "{\"schemaVersion\":2,\(config),\"layers\":[null]}",
        "{\"schemaVersion\":2,\(config),\"layers\":[{}]}", "{\"schemaVersion\":2,\(config),\"layers\":\"x\"}",
        "{\"schemaVersion\":2,\(config),\"mediaType\":\"x\"}", "{\"schemaVersion\":2,\"config\":null}",
        "{\"schemaVersion\":2,\"config\":[]}", "{\"schemaVersion\":2,\(config)}x",
    ]) func refused(_ json: String) {
        let error = #expect(throws: ManifestError.self) { try parse(json) }
        #expect(error != .isIndex)
    }

    /// A number out of the range of `Int64` is a syntax error for Foundation's decoder, without a path.
    @Test(arguments: [
        ("-1", "layers.0.size"), ("\"12\"", "layers.0.size"), ("null", "layers.0.size"),
        ("true", "layers.0.size"), ("1.5", "JSON"), ("9223372036854775808", "JSON"), ("1e300", "JSON"),
    ]) func badSizes(_ size: String, _ reason: String) {
        let layer = #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":\#(size)}"#
        let error = #expect(throws: ManifestError.self) {
            try parse(#"{"schemaVersion":2,\#(Self.config),"layers":[\#(layer)]}"#)
        }
        #expect(error.map { "\($0)".contains(reason) } == true, "\(String(describing: error))")
    }

    @Test func bytesThatAreNoText() {
        #expect(throws: ManifestError.self) { try Manifest(parsing: [0xff, 0xfe, 0, 0]) }
        #expect(throws: ManifestError.self) { try Manifest(parsing: (0..<1000).map { UInt8(truncatingIfNeeded: $0) }) }
    }

    @Test(arguments: [
        ("[", "]"), (#"{"a":"#, "}"), (#"{"schemaVersion":2,"layers":["#, "]}"), ("[", ""), (#"{"a":"#, ""),
    ]) func deepNestingIsAnError(_ open: String, _ close: String) {
        let deep = String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
        #expect(throws: ManifestError.self) { try parse(deep) }
        #expect(throws: ManifestError.self) {
            try parse("{\"schemaVersion\":2,\(Self.config),\"unknown\":\(deep)}")
        }
    }
}
