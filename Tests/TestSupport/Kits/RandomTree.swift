// SPDX-License-Identifier: Apache-2.0

/// Files and directories with odd names. Each layer of a random kit has a part of them, so layers overlap and agree on
/// which paths are directories.
struct RandomTree: Sendable {
    typealias Path = UnpackedKit.Path

    struct Item: Sendable {
        var path: Path
        var isDirectory: Bool

        /// The path as text; nil if it is not UTF-8, since no Kitfile can name it then.
        var text: String? { String(validating: path.joined(separator: [UInt8(ascii: "/")]), as: UTF8.self) }
    }

    /// All items, each directory before its entries.
    private(set) var items: [Item] = []

    init(_ random: inout SplitMix64) {
        var directories: [Path] = [[]]
        for _ in 0..<Int.random(in: 1...24, using: &random) {
            let isDirectory = random.chance(35)
            let path = random.pick(directories) + [Self.name(&random)]
            guard add(Item(path: path, isDirectory: isDirectory)), isDirectory else { continue }
            directories.append(path)
        }
        guard random.chance(10) else { return }
        var path = random.pick(directories)
        for depth in 0..<30 {
            path.append(Array("d\(depth)".utf8))
            guard add(Item(path: path, isDirectory: true)) else { return }
        }
        _ = add(Item(path: path + [Array("deep".utf8)], isDirectory: false))
    }

    private mutating func add(_ item: Item) -> Bool {
        let length = item.path.reduce(0) { $0 + $1.count + 1 }
        // Mounts always show a file at the Kitfile's path, so no directory is put there.
        guard length < 2000, !items.contains(where: { $0.path == item.path }),
            !item.isDirectory || item.path != UnpackedKit.kitfile
        else { return false }
        items.append(item)
        return true
    }

    private static let oddNames: [[UInt8]] =
        [
            "with space", " ", "trailing ", "-rf", "--", "new\nline", "\n", "tab\t", "quo\"te'", "back\\slash",
            ".hidden",
            "...", "*?[a]", "$HOME", "%41", "{a,b}", "\u{e9}", "e\u{301}", "日本語.txt", "\u{1f917}", "\u{202e}rtl",
            "\u{7f}", "Kitfile", "kitfile", "data.tar", "#", "a:b", "|", "\u{feff}bom",
        ].map { Array($0.utf8) } + [
            [0xff, 0xfe, 0x80], [0xc3], [0xed, 0xa0, 0x80], [0x01, 0x02],
            [UInt8](repeating: UInt8(ascii: "n"), count: 255), [UInt8](repeating: UInt8(ascii: "m"), count: 99),
            [UInt8](repeating: UInt8(ascii: "m"), count: 100), [UInt8](repeating: UInt8(ascii: "m"), count: 101),
            [UInt8](repeating: UInt8(ascii: "p"), count: 155), Array(String(repeating: "\u{e9}", count: 127).utf8),
        ]

    static func name(_ random: inout SplitMix64) -> [UInt8] {
        if random.chance(35) { return random.pick(oddNames) }
        return Array((random.pick(["a", "b", "c", "d", "e", "f"]) + random.pick(["", "", ".txt", "1"])).utf8)
    }
}
