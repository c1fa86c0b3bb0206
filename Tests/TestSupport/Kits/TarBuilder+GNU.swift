// SPDX-License-Identifier: Apache-2.0

extension TarBuilder {
    /// Adds an entry as GNU tar writes it (its manual, "Basic Tar Format"). A name of more than 100 bytes is in a
    /// member of type `L` before the entry, and a long target in one of type `K`. Bytes that are not ASCII are written
    /// as they are, and the size is in base 256.
    public mutating func gnu(
        _ path: [UInt8], type: Character, _ content: [UInt8] = [], mode: UInt16 = 0o644, target: [UInt8] = []
    ) {
        for (name, kind) in [(target, "K"), (path, "L")] as [([UInt8], Character)] where name.count > 100 {
            raw(Array("././@LongLink".utf8), type: kind, name + [0], mode: 0) { Self.makeGNU(&$0) }
        }
        raw([], type: type, content, mode: mode) { header in
            header.replaceSubrange(0..<min(100, path.count), with: path.prefix(100))
            header.replaceSubrange(157..<157 + min(100, target.count), with: target.prefix(100))
            header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0, count: 11))
            for index in 0..<8 { header[128 + index] = UInt8(truncatingIfNeeded: content.count >> (8 * (7 - index))) }
            Self.makeGNU(&header)
        }
    }

    private static func makeGNU(_ header: inout [UInt8]) { header.replaceSubrange(257..<265, with: "ustar  \0".utf8) }
}
