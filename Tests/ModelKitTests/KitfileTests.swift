// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

@Suite struct KitfileTests {
    private func parse(_ json: String) throws(ModelKitError) -> Kitfile { try Kitfile(parsing: Array(json.utf8)) }

    @Test func elementsInTheOrderOfTheirLayers() throws {
        let hex = String(repeating: "a", count: 64)
        let kitfile = try parse(
            """
            {"docs":[{"path":"README.md"}],"datasets":[{"name":"d1","path":"./d1"},{"name":"d2"}],
             "prompts":[{"path":"prompt.md"}],"code":[{"path":"src/","digest":"sha256:\(hex)"}],
             "model":{"name":"m","path":"model","parts":[{"name":"p1","path":"p1"},{"name":"p2","path":"p2"}]},
             "package":{"name":"pkg","version":"1.2"}}
            """)
        let elements = kitfile.elements
        #expect(
            elements.map(\.kind) == [.model, .modelPart, .modelPart, .code, .prompt, .dataset, .dataset, .docs])
        #expect(elements.map(\.path) == ["model", "p1", "p2", "src/", "prompt.md", "./d1", nil, "README.md"])
        #expect(elements.map(\.name) == ["m", "p1", "p2", nil, nil, "d1", "d2", nil])
        #expect(elements.map { $0.digest?.hex } == [nil, nil, nil, hex, nil, nil, nil, nil])
        #expect(kitfile.parent == nil)
    }

    @Test func nothingNeedBeThere() throws {
        for json in ["{}", #"{"model":null,"code":null}"#, #"{"code":{},"datasets":1,"package":"x"}"#] {
            let kitfile = try parse(json)
            #expect(kitfile.elements.filter { $0.kind != .model }.isEmpty)
            #expect(kitfile.parent == nil)
        }
    }

    /// A null model, as some JSON writers give it, is not an element.
    @Test func aModelOfNullIsNone() throws {
        #expect(try parse(#"{"model":null}"#).elements.isEmpty)
    }

    @Test(arguments: ["", "x", "[]", "null", "1", "\"x\"", "{", "{\"a\":1e400}", "{\"a\":\"\\ud800\"}", "\u{0}"])
    func refused(_ json: String) {
        #expect(throws: ModelKitError.self) { try parse(json) }
    }

    @Test(arguments: ["[", "{\"a\":"]) func deepNestingIsAnError(_ open: String) {
        let close = open == "[" ? "]" : "}"
        let deep = String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
        #expect(throws: ModelKitError.self) { try parse(deep) }
        #expect(throws: ModelKitError.self) { try parse("{\"model\":\(deep)}") }
    }

    @Test func nestingAsDeepAsIsReadIsWritten() throws {
        let open = String(repeating: "[", count: 400)
        let close = String(repeating: "]", count: 400)
        let yaml = try parse("{\"a\":\(open)1\(close)}").yaml()
        #expect(yaml.contains(UInt8(ascii: "1")))
    }
}
