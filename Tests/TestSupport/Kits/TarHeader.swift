// SPDX-License-Identifier: Apache-2.0

/// One ustar header (POSIX pax, "ustar Interchange Format") the way Go's archive/tar fills it.
struct TarHeader {
    var path: [UInt8]
    var type: Character
    var mode: UInt16
    /// Bytes of content, below 8 GiB, since the field has eleven octal digits.
    var size = 0
    var target: [UInt8] = []

    /// The values that the ustar fields cannot hold. Go sorts records by key.
    var paxRecords: [(key: String, value: [UInt8])] {
        var records: [(key: String, value: [UInt8])] = []
        if target.count > 100 || !Self.isASCII(target) { records.append(("linkpath", target)) }
        if (path.count > 100 || !Self.isASCII(path)) && splitPath == nil { records.append(("path", path)) }
        return records
    }

    /// - Parameter splittingPath: whether to use the prefix field for a long name. Go does not after a PAX record. It
    ///   then strips the name of all but ASCII and cuts it, so that several names may become the same.
    func block(splittingPath: Bool) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        let split = splittingPath ? splitPath : nil
        Self.put(&block, 0, 100, text: Self.mangled(split?.name ?? path))
        Self.put(&block, 100, 8, octal: Int(mode))
        Self.put(&block, 108, 8, octal: 1000)
        Self.put(&block, 116, 8, octal: 0)
        Self.put(&block, 124, 12, octal: size)
        Self.put(&block, 136, 12, octal: 0)
        block[156] = type.asciiValue ?? 0
        Self.put(&block, 157, 100, text: Self.mangled(target))
        Self.put(&block, 329, 8, octal: 0)
        Self.put(&block, 337, 8, octal: 0)
        Self.put(&block, 345, 155, text: split?.prefix ?? [])
        Self.setMagic(&block)
        Self.setChecksum(&block)
        return block
    }

    /// The PAX header with its records, which comes before its entry.
    static func paxEntry(_ records: [(key: String, value: [UInt8])], for path: [UInt8]) -> [UInt8] {
        let content = records.flatMap { record -> [UInt8] in
            let rest = Array(" \(record.key)=".utf8) + record.value + [UInt8(ascii: "\n")]
            // The length includes its own digits.
            var length = rest.count
            while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
            return Array(String(length).utf8) + rest
        }
        let slash = UInt8(ascii: "/")
        let parent = path.lastIndex(of: slash).map { Array(path[...$0]) } ?? []
        var name = mangled(parent + Array("PaxHeaders.0/".utf8) + path[parent.count...])
        name = Array(name.prefix(100))
        while name.last == slash { name.removeLast() }

        var block = [UInt8](repeating: 0, count: 512)
        put(&block, 0, 100, text: name)
        for field in [100, 108, 116] { put(&block, field, 8, octal: 0) }
        put(&block, 124, 12, octal: content.count)
        put(&block, 136, 12, octal: 0)
        block[156] = UInt8(ascii: "x")
        setMagic(&block)
        setChecksum(&block)
        return block + padded(content)
    }

    /// Sets the checksum: the sum of all bytes, with those of its own field counted as spaces. It is six digits, NUL,
    /// space.
    static func setChecksum(_ block: inout [UInt8]) {
        for index in 148..<156 { block[index] = UInt8(ascii: " ") }
        put(&block, 148, 7, octal: block.reduce(0) { $0 + Int($1) })
    }

    static func padded(_ content: [UInt8]) -> [UInt8] {
        content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private static func setMagic(_ block: inout [UInt8]) {
        put(&block, 257, 8, text: Array("ustar\u{0}00".utf8))
    }

    private static func put(_ block: inout [UInt8], _ offset: Int, _ length: Int, text: [UInt8]) {
        for (index, byte) in text.prefix(length).enumerated() { block[offset + index] = byte }
        // Go drops a slash at the end of a cut field, since old readers would take the name for a directory.
        if text.count > length {
            var last = offset + length - 1
            guard block[last] == UInt8(ascii: "/") else { return }
            while last > offset, block[last - 1] == UInt8(ascii: "/") { last -= 1 }
            block[last] = 0
        }
    }

    private static func put(_ block: inout [UInt8], _ offset: Int, _ length: Int, octal value: Int) {
        let digits = Array(String(value, radix: 8).utf8)
        precondition(digits.count < length, "\(value) does not fit a tar field")
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: length - 1 - digits.count)
        put(&block, offset, length, text: zeros + digits + [0])
    }

    private static func isASCII(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 != 0 && $0 < 0x80 }
    }

    private static func mangled(_ bytes: [UInt8]) -> [UInt8] {
        bytes.filter { $0 != 0 && $0 < 0x80 }
    }

    /// A long ASCII path split at a slash, with at most 155 bytes before it and 100 after it.
    private var splitPath: (prefix: [UInt8], name: [UInt8])? {
        guard path.count > 100, Self.isASCII(path) else { return nil }
        let slash = UInt8(ascii: "/")
        var length = path.count
        if length > 156 {
            length = 156
        } else if path[length - 1] == slash {
            length -= 1
        }
        guard let cut = path[..<length].lastIndex(of: slash), cut > 0 else { return nil }
        let name = Array(path[(cut + 1)...])
        return name.isEmpty || name.count > 100 ? nil : (Array(path[..<cut]), name)
    }
}
