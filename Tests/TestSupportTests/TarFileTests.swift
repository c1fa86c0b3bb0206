// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@Suite struct TarFileTests {
    @Test func itIsWhatTheBuilderMakes() throws {
        let directory = try TemporaryDirectory()
        let large = noise(2_500_000)
        let file = try TarFile(path: directory.path + "/layer")
        try file.directory("data")
        try file.member("data/small", Array("few".utf8))
        var rest = large[...]
        try file.member("data/large", size: large.count) { missing in
            #expect(missing == rest.count)
            defer { rest = rest.dropFirst(1 << 20) }
            return Array(rest.prefix(1 << 20))
        }
        let hex = try file.finish()
        var tar = TarBuilder()
        tar.directory("data")
        tar.file("data/small", Array("few".utf8))
        tar.file("data/large", large)
        let expected = tar.finish()
        #expect(try readFile(file.path) == expected)
        #expect(file.size == expected.count)
        #expect(hex == Sha256.hex(expected))
    }
}
