// SPDX-License-Identifier: Apache-2.0

/// Text for terminals: its width in cells, and what of it may be shown.
enum TableText {
    /// Replaces control characters and line separators by `?`. Names in kits and of directories may contain anything.
    static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// The width in cells. Where terminals differ it is the larger one, since a line must not wrap.
    static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// Source: Unicode Standard Annex #11, East Asian Width: the blocks that are wide.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F000...0x1FAFF,
        0x20000...0x3FFFD,
    ]

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    static func padded(_ text: String, to cells: Int) -> String {
        text + String(repeating: " ", count: max(0, cells - width(text)))
    }

    /// The text cut to at most `cells`, with `…` at the end where something is left out.
    static func cut(_ text: String, to cells: Int) -> String {
        guard width(text) > cells else { return text }
        return cells > 0 ? start(text[...], cells - 1) + "…" : ""
    }

    /// The text cut in the middle: of a path, both ends matter.
    static func middle(_ text: String, to cells: Int) -> String {
        guard width(text) > cells, cells > 2 else { return cut(text, to: cells) }
        let tail = start(String(text.reversed())[...], cells / 2)
        return start(text[...], cells - cells / 2 - 1) + "…" + String(tail.reversed())
    }

    private static func start(_ text: Substring, _ cells: Int) -> String {
        var left = cells
        return String(
            text.prefix { character in
                left -= width(String(character))
                return left >= 0
            })
    }
}
