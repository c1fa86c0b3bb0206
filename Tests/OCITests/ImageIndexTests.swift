// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import OCI

@Suite struct ImageIndexTests {
    @Test func ofALayout() throws {
        let index = try ImageIndex(parsing: readFile(Fixtures.layout("sharing") + "/index.json"))
        #expect(index.manifests.map { $0.annotations[ImageIndex.tagAnnotation] } == ["v1", "v2"])
        #expect(index.manifests.map(\.digest.short) == ["d68661b143d0", "b47896414ef4"])
        #expect(index.manifests.allSatisfy { $0.mediaType == .imageManifest && $0.size == 586 })
    }

    @Test func empty() throws {
        #expect(try ImageIndex(parsing: Array(#"{"schemaVersion":2}"#.utf8)).manifests.isEmpty)
        #expect(try ImageIndex(parsing: Array(#"{"manifests":null}"#.utf8)).manifests.isEmpty)
    }

    @Test(arguments: ["", "[]", "x", #"{"manifests":{}}"#, #"{"manifests":[{}]}"#, #"{"manifests":[1]}"#])
    func refused(_ json: String) {
        #expect(throws: ManifestError.self) { try ImageIndex(parsing: Array(json.utf8)) }
    }

    @Test func deepNestingIsAnError() {
        let deep = #"{"manifests":"# + String(repeating: "[", count: 100_000)
        #expect(throws: ManifestError.self) { try ImageIndex(parsing: Array(deep.utf8)) }
    }
}
