// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ModelKit

/// The annotations on the one file of a layer.
@Suite struct FileAnnotationsTests {
    private func metadata(_ json: String) -> FileAnnotations {
        FileAnnotations(["org.cncf.model.file.metadata+json": json])
    }

    @Test func asModctlWritesThem() {
        let json = #"""
            {"name":"run.sh","mode":493,"uid":1000,"gid":1000,"size":12,"mtime":"2024-05-06T07:08:09.123456789Z",
             "typeflag":48}
            """#
        let file = FileAnnotations([
            "org.cncf.model.filepath": "bin/run.sh", "org.cncf.model.file.metadata+json": json,
        ])
        #expect(file.path == "bin/run.sh")
        #expect(file.mode == 0o755)
        #expect(file.size == 12)
        #expect(file.modified == 1_714_979_289)
    }

    @Test func theOlderNames() {
        let file = FileAnnotations([
            "org.cnai.model.filepath": "a", "org.cnai.model.file.metadata+json": #"{"mode":384}"#,
        ])
        #expect(file.path == "a" && file.mode == 0o600)
        let both = FileAnnotations(["org.cnai.model.filepath": "old", "org.cncf.model.filepath": "new"])
        #expect(both.path == "new")
        #expect(FileAnnotations(["org.cnai.model.filepath": "old", "org.cncf.model.filepath": ""]).path == "old")
    }

    @Test(
        arguments: [
            ("2024-05-06T07:08:09Z", 1_714_979_289), ("2024-05-06T07:08:09.5Z", 1_714_979_289),
            ("2024-05-06T07:08:09.999999999Z", 1_714_979_289), ("2024-05-06T07:08:09.000001Z", 1_714_979_289),
            // Go writes the local time zone.
            ("2024-05-06T09:08:09+02:00", 1_714_979_289), ("2024-05-06T09:08:09.123456789+02:00", 1_714_979_289),
            ("2024-05-05T23:38:09.25-07:30", 1_714_979_289), ("1970-01-01T00:00:00Z", 0),
            // Go's zero time.
            ("0001-01-01T00:00:00Z", -62_135_596_800), ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600), ("1999-12-31T23:59:59Z", 946_684_799),
            ("2100-03-01T00:00:00Z", 4_107_542_400), ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
        ] as [(String, Int64)])
    func times(_ text: String, _ seconds: Int64) {
        #expect(metadata(#"{"mtime":"\#(text)"}"#).modified == seconds)
    }

    @Test func aTimeInSeconds() {
        #expect(metadata(#"{"mtime":1714979289}"#).modified == 1_714_979_289)
        #expect(metadata(#"{"mtime":-9223372036854775808}"#).modified == .min)
    }

    @Test(arguments: [
        "yesterday", "", "2024-05-06", "2024-13-06T07:08:09Z", "2024-05-06T07:08:09", "2024-05-06T07:08:09.Z",
        "99999999999999-05-06T07:08:09Z", "2024-05-06T07:08:09Zjunk", "2024-05-06T24:00:00Z",
        "2024-05-06T07:08:09+2:00", "2024-05-06T07:08:09+",
        "-024-05-06T07:08:09Z", "2024-05-06T07:08:09,5Z", "２０２４-05-06T07:08:09Z",
    ]) func timesThatAreNone(_ text: String) {
        #expect(metadata(#"{"mtime":"\#(text)"}"#).modified == nil)
    }

    /// Only the permission bits count. The others are Go's own.
    @Test func modes() {
        #expect(metadata(#"{"mode":33188}"#).mode == 0o644)
        #expect(metadata(#"{"mode":18446744073709551615}"#).mode == 0o7777)
        #expect(metadata(#"{"mode":0}"#).mode == 0)
        for wrong in ["-1", "\"0644\"", "null", "[420]", "1e40"] {
            #expect(metadata(#"{"mode":\#(wrong)}"#).mode == nil, "\(wrong)")
        }
    }

    @Test(arguments: ["", "{", "[]", "null", "7", "\"text\"", "{}", #"{"mode":{},"mtime":{},"size":{}}"#])
    func garbageIsPassedOver(_ json: String) {
        let file = metadata(json)
        #expect(file.path == nil && file.mode == nil && file.modified == nil && file.size == nil)
    }

    @Test func nestedWithoutEnd() {
        let deep = String(repeating: "[", count: 100_000)
        for json in [deep, deep + String(repeating: "]", count: 100_000), #"{"mode":\#(deep)}"#] {
            #expect(metadata(json).mode == nil)
        }
    }

    /// 200,000 nested arrays, for which a reader that tries each type takes minutes.
    @Test(.timeLimit(.minutes(1))) func nestedManyTimes() {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let many = Array(repeating: deep, count: 5000).joined(separator: ",")
        #expect(metadata(#"{"x":[\#(many)],"mode":420}"#).mode == 0o644)
    }

    /// No file is larger than the largest offset.
    @Test func sizes() {
        #expect(metadata(#"{"size":9223372036854775807}"#).size == UInt64(Int64.max))
        for wrong in ["9223372036854775808", "18446744073709551615", "-1", "1.5", "1e30"] {
            #expect(metadata(#"{"size":\#(wrong)}"#).size == nil, "\(wrong)")
        }
    }

    @Test func nothingSaid() {
        let file = FileAnnotations([:])
        #expect(file.path == nil && file.mode == nil && file.modified == nil && file.size == nil)
    }
}
