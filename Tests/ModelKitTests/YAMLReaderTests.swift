// SPDX-License-Identifier: Apache-2.0
import ModelKit
import Testing

/// The reader of the other tests detects what it should.
@Suite struct YAMLReaderTests {
    @Test func aDocument() throws {
        let yaml = """
            a: text
            b: [1, -2, 0.5, true, null, ~, "1", 'no']
            c:
              d: |
                two
                lines
              e: {}
            """
        #expect(
            try YAMLReader.read(Array(yaml.utf8))
                == .object([
                    "a": .string("text"),
                    "b": .array([
                        .integer(1), .integer(-2), .number(0.5), .bool(true), .null, .null, .string("1"), .string("no"),
                    ]),
                    "c": .object(["d": .string("two\nlines\n"), "e": .object([:])]),
                ]))
    }

    @Test(arguments: [
        "a: no", "a: 2024-01-01", "a: 1e5", "a: 0x1F", "a: 1_000", "a: 1:30", "a: .inf", "a: 010", "1: a", "~: a",
        "a: 1\na: 2", "a: [", "a: 1\n---\nb: 2", "a: 'x", "a: b: c",
    ]) func refused(_ yaml: String) {
        #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array(yaml.utf8)) }
    }
}
