// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import ModelKit

/// The mounted Kitfile has the meaning of the config.
@Suite struct KitfileYAMLTests {
    private func roundTrip(_ json: String) throws -> JSONValue {
        try YAMLReader.read(Kitfile(parsing: Array(json.utf8)).yaml())
    }

    static let strings: [String] = [
        "", " ", " leading", "trailing ", "no", "No", "NO", "yes", "on", "off", "y", "N", "true", "False", "null",
        "Null", "~", "nan", ".nan", ".inf", "-.inf", "1", "-1", "+1", "1.0", "1e5", "1_000", "0x1F", "0o17", "010",
        "1:30", "2024-01-01", "2024-01-01T10:00:00Z", "=", "<<", "a: b", "a:", ":a", "#x", "a #x", "a#x", "- a", "-",
        "---", "...", "? a", "[a]", "{a: b}", "a, b", "&a", "*a", "!a", "!!str a", "|", ">", "%a", "@a", "`a`",
        "\"quoted\"", "'quoted'", "it's", "say \"x\"", "back\\slash", "\\n", "two\nlines", "two\n\n  lines\n", "\n",
        "\n\n", "ends\n", "\ttab", "a\tb", "cr\rlf\r\n", "\u{0}", "bell\u{7}", "\u{7f}", "nel\u{85}x", "ls\u{2028}x",
        "word\u{2029}", "a\u{2028}\u{2028} b", "bom\u{feff}", "\u{feff}", "日本語", "Zoë Ünï", "cafe\u{301}", "emoji 😀",
        "😀",
        "\u{a0}nbsp", "x\u{a0}", "\u{10ffff}", "word: 日本語 # x", "Apache-2.0", "CC-BY-4.0", "v1.2.3", "1.2.3",
        "./model/x", "model/my model (v1).gguf", "${HOME}", "e5", "Infinity", "None", "x ", "x\n y",
    ]

    @Test(arguments: strings) func stringsComeBack(_ text: String) throws {
        let json = try JSONEncoder().encode(["package": ["name": text, "k" + text: text]])
        let found = try roundTrip(String(decoding: json, as: UTF8.self))
        // Scalars are compared, since equal strings may have different ones.
        let name = try #require(found["package"]?["name"]?.string)
        #expect(Array(name.unicodeScalars) == Array(text.unicodeScalars))
        #expect(found["package"]?["k" + text]?.string == text)
    }

    @Test(arguments: ["a", "word ", "日本語", "x: ", "# ", "no "]) func veryLongLines(_ piece: String) throws {
        let text = String(repeating: piece, count: 20_000)
        let json = try JSONEncoder().encode([text: [text]])
        #expect(try roundTrip(String(decoding: json, as: UTF8.self)) == .object([text: .array([.string(text)])]))
    }

    static let numbers: [(String, JSONValue)] = [
        ("0", .integer(0)), ("-1", .integer(-1)), ("1", .integer(1)), ("10000000000", .integer(10_000_000_000)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("18446744073709551615", .unsigned(.max)), ("0.7", .number(0.7)), ("-0.001", .number(-0.001)),
        ("1e30", .number(1e30)), ("1.5e300", .number(1.5e300)), ("1e-7", .number(1e-7)), ("-2e-300", .number(-2e-300)),
        ("123456789012345678901234567890", .number(123456789012345677877719597056)), ("1.0", .integer(1)),
        ("true", .bool(true)), ("false", .bool(false)), ("null", .null), ("[]", .array([])), ("{}", .object([:])),
        ("[[],[[1]],{}]", .array([.array([]), .array([.array([.integer(1)])]), .object([:])])),
        (#"{"a":{"b":[{"c":null}]}}"#, .object(["a": .object(["b": .array([.object(["c": .null])])])])),
    ]

    @Test(arguments: numbers) func valuesComeBack(_ json: String, _ value: JSONValue) throws {
        let found = try roundTrip(#"{"model":{"parameters":{"p":\#(json)}},"list":[\#(json)]}"#)
        #expect(found["model"]?["parameters"]?["p"] == value)
        #expect(found["list"] == .array([value]))
    }

    @Test func layersAreLeftOutParametersAreNot() throws {
        let found = try roundTrip(
            """
            {"manifestVersion":"1.0.0","digest":"kept","package":{"name":"x","digest":"kept"},
             "model":{"path":"m","digest":"out","diffId":"out","parameters":{"digest":"kept","diffId":"kept",
              "parts":[{"digest":"kept"}]},"parts":[{"path":"p","digest":"out","diffId":"out","new":1}]},
             "code":[{"path":"c","digest":"out","diffId":"out"}],"docs":[{"path":"d","digest":"out"}],
             "datasets":[{"path":"t","diffId":"out","parameters":{"digest":"kept"}}],
             "prompts":[{"path":"q","digest":"out"}],"mcpServers":[{"path":"s","digest":"out"}],
             "unknown":[{"digest":"kept"}]}
            """)
        let kept = JSONValue.string("kept")
        #expect(
            found
                == .object([
                    "manifestVersion": .string("1.0.0"), "digest": kept,
                    "package": .object(["name": .string("x"), "digest": kept]),
                    "model": .object([
                        "path": .string("m"),
                        "parameters": .object([
                            "digest": kept, "diffId": kept, "parts": .array([.object(["digest": kept])]),
                        ]),
                        "parts": .array([.object(["path": .string("p"), "new": .integer(1)])]),
                    ]),
                    "code": .array([.object(["path": .string("c")])]),
                    "docs": .array([.object(["path": .string("d")])]),
                    "datasets": .array([.object(["path": .string("t"), "parameters": .object(["digest": kept])])]),
                    "prompts": .array([.object(["path": .string("q")])]),
                    "mcpServers": .array([.object(["path": .string("s")])]),
                    "unknown": .array([.object(["digest": kept])]),
                ]))
    }

    @Test func theKeysOfKitComeFirst() throws {
        let json =
            #"{"zzz":1,"docs":[],"aaa":2,"model":{"path":"p","name":"n"},"package":{},"manifestVersion":"1.0.0"}"#
        let yaml = String(decoding: try Kitfile(parsing: Array(json.utf8)).yaml(), as: UTF8.self)
        let keys = yaml.split(separator: "\n").map { $0.prefix { $0 != ":" } }
        #expect(keys == ["manifestVersion", "package", "model", "  name", "  path", "docs", "aaa", "zzz"])
    }

    /// Each deep value has a line of a thousand spaces.
    @Test func outputIsBounded() throws {
        let depth = 490
        let zeros = Array(repeating: "0", count: 100_000).joined(separator: ",")
        let json =
            #"{"a":"# + String(repeating: "[", count: depth) + zeros + String(repeating: "]", count: depth) + "}"
        let kitfile = try Kitfile(parsing: Array(json.utf8))
        #expect(throws: ModelKitError.self) { try kitfile.yaml() }
    }
}
