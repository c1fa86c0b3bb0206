// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Registry

@Suite struct RegistryErrorsTests {
    @Test(
        arguments: [
            (
                #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"x":1}}]}"#,
                "MANIFEST_UNKNOWN, manifest unknown"
            ),
            (#"{"errors":[{"code":"A"},{"code":"B"}]}"#, "A"), (#"{"errors":[{"message":"two\nlines"}]}"#, "two lines"),
            (#"{"errors":[{"message":"cr\r\nlf"}]}"#, "cr lf"),
            (#"{"errors":[]}"#, nil), (#"{"errors":null}"#, nil), (#"{"errors":[{}]}"#, nil), ("{}", nil), ("", nil),
            ("<html>", nil), ("[", nil), (#"{"errors":[1]}"#, nil),
        ] as [(String, String?)]) func summary(_ body: String, _ expected: String?)
    {
        #expect(RegistryErrors.summary(of: Array(body.utf8)) == expected)
    }

    @Test func neitherLongNorUgly() {
        let long = #"{"errors":[{"message":""# + String(repeating: "x", count: 1000) + #""}]}"#
        #expect(RegistryErrors.summary(of: Array(long.utf8))?.count == 200)
        let escape = #"{"errors":[{"message":"\u001b[31mred\u0007"}]}"#
        let text = RegistryErrors.summary(of: Array(escape.utf8)) ?? ""
        #expect(text.contains("red"))
        #expect(!text.unicodeScalars.contains { $0.value < 32 })
    }
}
