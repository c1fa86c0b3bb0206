// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import kitfs

/// Text in the cells of a terminal.
@Suite struct TextTests {
    @Test(arguments: [("abc", 3), ("漢字", 4), ("e\u{301}", 1), ("😀", 2), ("", 0), ("ａ", 2)])
    func width(_ text: String, _ cells: Int) { #expect(TableText.width(text) == cells) }

    @Test func whatMovesTheCursorIsNotShown() {
        #expect(TableText.clean("a\u{1b}[2Jb\nc\u{2028}d\te") == "a?[2Jb?c?d?e")
        #expect(TableText.clean("漢é") == "漢é")
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("漢字漢字", 4, "漢…"), ("abc", 1, "…"), ("abc", 0, ""),
    ])
    func cut(_ text: String, _ cells: Int, _ shown: String) { #expect(TableText.cut(text, to: cells) == shown) }

    @Test(arguments: [
        ("abcdefgh", 8, "abcdefgh"), ("abcdefgh", 5, "ab…gh"), ("abcdefgh", 4, "a…gh"), ("abcdefgh", 2, "a…"),
    ])
    func middle(_ text: String, _ cells: Int, _ shown: String) { #expect(TableText.middle(text, to: cells) == shown) }

    @Test func columnsAreAsWideAsTheirWidestCell() {
        var table = Table(["A", "LONG", "C"])
        table.add(["漢字", "x", "y"])
        table.add(["a"])
        #expect(table.lines == ["A     LONG  C", "漢字  x     y", "a"])
        #expect(table.text == "A     LONG  C\n漢字  x     y\na\n")
    }

    @Test(
        arguments: [
            (0, 10, "[          ]   0%"), (5, 10, "[====>     ]  50%"), (10, 10, "[==========] 100%"),
            (0, 0, "[==========] 100%"), (20, 10, "[==========] 100%"),
        ] as [(UInt64, UInt64, String)])
    func bars(_ part: UInt64, _ whole: UInt64, _ bar: String) {
        #expect(ProgressBar.text(part, of: whole, cells: 10) == bar)
    }

    @Test func daysThatNoCalendarHas() {
        #expect(ListCommand.day(0) == "1970-01-01")
        #expect(ListCommand.day(951_782_400) == "2000-02-29")
        #expect(ListCommand.day(.max) == "@\(Int64.max)")
    }
}
