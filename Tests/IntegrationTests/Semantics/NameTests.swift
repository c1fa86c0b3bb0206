// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Names are bytes, with any value.
@Suite struct NameTests {
    private static let names: [[UInt8]] =
        [
            String(repeating: "n", count: 255), String(repeating: "\u{e9}", count: 127) + "n", "new\nline", "\u{e9}",
            "e\u{301}", "-rf", " ", "\u{1}\u{7f}", "\u{202e}", "\\", "\"'",
        ].map { Array($0.utf8) } + [[0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80]]

    /// Tars as kit writes them and as GNU tar does, with names of files and of directories.
    @Test(arguments: [nil, .gzip] as [LayerCompression?], [true, false])
    func areShownAsTheyAre(_ compression: LayerCompression?, _ isGNU: Bool) throws {
        let bench = try CommandFixture()
        var tar = TarBuilder()
        for (number, name) in Self.names.enumerated() {
            let directory = Array("data/d".utf8) + [UInt8(ascii: "/")] + name
            let file = directory + [UInt8(ascii: "/")] + name
            if isGNU {
                tar.gnu(directory, type: "5", mode: 0o755)
                tar.gnu(file, type: "0", [UInt8(number)])
            } else {
                tar.directory(directory)
                tar.file(file, [UInt8(number)])
            }
        }
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .dataset, path: "data", tar: tar.finish(), compression: compression)
        try kit.write(tag: "v1", package: "names")
        let mount = try bench.mount("oci:\(layout):v1")
        let expected = try UnpackedKit(layout: layout, tag: "v1").tree
        // The root, Kitfile, data, d, and a directory and a file for each name.
        #expect(expected.count == 4 + 2 * Self.names.count)
        expectTree(try TreeScan.scan(mount.path), equals: expected)
        try mount.unmount()
        let listed = try bench.kitfs("ls", "--json", "-R", "oci:\(layout):v1")
        #expect(listed.split(separator: "\n").count >= expected.count - 1, "\(listed)")
    }
}
