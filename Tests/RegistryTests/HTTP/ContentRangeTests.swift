// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

@Suite struct ContentRangeTests {
    @Test(
        arguments: [
            ("bytes 0-99/1000", 0, 100, 1000), ("bytes 5-9/*", 5, 5, nil), ("Bytes 7-7/8", 7, 1, 8),
            (
                "bytes 9223372036854775806-9223372036854775806/9223372036854775807", UInt64(Int64.max) - 1, 1,
                UInt64(Int64.max)
            ),
        ] as [(String, UInt64, UInt64, UInt64?)])
    func wellFormed(_ value: String, _ start: UInt64, _ count: UInt64, _ total: UInt64?) throws {
        let parsed = try #require(ContentRange(value))
        #expect(parsed.range == ByteRange(start: start, count: count))
        #expect(parsed.total == total)
    }

    @Test(arguments: [
        "", "bytes", "bytes ", "bytes */1000", "bytes -", "bytes /", "bytes /-", "bytes a-b/c", "items 0-1/2",
        "bytes=0-1/2", "bytes 18446744073709551616-0/1", "bytes 18446744073709551615-0/1", "-/bytes ",
        // The last byte is missing, before the first, or not below the total.
        "bytes 7-/x", "bytes 7-/9", "bytes 4-2/36", "bytes 0-9/9", "bytes 0-9/5", "bytes 0-0/0",
        // Several values, as of a repeated header.
        "bytes 0-1/9, bytes 0-1/9", "bytes 0-1,3-4/9", "bytes 0-1/9,bytes 3-4/9",
        // Signs, spaces and offsets beyond `Int64.max`.
        "bytes +0-1/2", "bytes 0-+1/2", "bytes 0-1/+2", "bytes  0-1/2", "bytes 0 - 1/2", "bytes 0-1/2 ",
        "bytes 0-1/2/3",
        "bytes 0-1-2/3", "bytes 0-9223372036854775807/*", "bytes 0-18446744073709551615/*", "bytes ٠-١/٢",
    ]) func malformed(_ value: String) {
        #expect(ContentRange(value) == nil)
    }

    @Test(arguments: [("bytes 0-9/10", true), ("bytes 0-8/10", false), ("bytes 1-9/10", false), ("bytes 0-9/*", false)])
    func whole(_ value: String, _ expected: Bool) throws {
        #expect(try #require(ContentRange(value)).isWhole == expected)
    }
}
