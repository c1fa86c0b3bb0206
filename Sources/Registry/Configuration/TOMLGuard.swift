// SPDX-License-Identifier: Apache-2.0
private import OCI

/// Finds input on which toml++ would fail an assertion, which ends the process.
public enum TOMLGuard {
    /// The first line, counted from 1, with a table's name that starts with neither a letter, a digit, `_`, `-`, nor a
    /// quote; or with `}` where an array has its next value. No host, path or filter has these in it, so that strings
    /// are not told from the rest.
    public static func unreadableLine(of bytes: [UInt8]) -> Int? {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        var previous: UInt8 = 0
        for (index, line) in text.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            if hasUnreadableName(line) { return index + 1 }
            for byte in line.prefix(while: { $0 != UInt8(ascii: "#") }) where byte > 32 {
                if byte == UInt8(ascii: "}"), "[,".utf8.contains(previous) { return index + 1 }
                previous = byte
            }
        }
        return nil
    }

    private static func hasUnreadableName(_ line: ArraySlice<UInt8>) -> Bool {
        let isSpace = { (byte: UInt8) in byte == 32 || byte == 9 }
        var rest = line.drop(while: isSpace)
        guard rest.popFirst() == UInt8(ascii: "[") else { return false }
        rest = rest.drop(while: isSpace)
        if rest.first == UInt8(ascii: "[") { rest = rest.dropFirst().drop(while: isSpace) }
        guard let first = rest.first else { return true }
        return !(first.isAlphanumeric || "_-'\"]".utf8.contains(first))
    }
}
