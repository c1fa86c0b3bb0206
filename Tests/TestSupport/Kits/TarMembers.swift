// SPDX-License-Identifier: Apache-2.0

/// The members of a tar in memory. It supports POSIX with PAX records, and GNU's long names and base-256 numbers.
enum TarMembers {
    struct Member {
        enum Kind { case file([UInt8]), directory, link([UInt8]), hardLink([UInt8]) }

        var path: [UInt8]
        var mode: UInt16
        var kind: Kind
    }

    static func read(_ tar: [UInt8]) throws -> [Member] {
        var members: [Member] = []
        var records: [String: [UInt8]] = [:]
        var offset = 0
        while offset + 512 <= tar.count {
            let header = Array(tar[offset..<offset + 512])
            if header.allSatisfy({ $0 == 0 }) { return members }
            try verifyChecksum(header)
            let type = header[156]
            let isContent = "0\0".utf8.contains(type) || "xL".utf8.contains(type) || type == UInt8(ascii: "K")
            let size = try records["size"].map { try decimal($0) } ?? number(header[124..<136])
            let start = offset + 512
            guard !isContent || size <= tar.count - start else { throw TestSupportError("a tar that is cut short") }
            let content = isContent ? Array(tar[start..<start + size]) : []
            offset = start + (content.count + 511) / 512 * 512
            switch type {
            case UInt8(ascii: "x"): try readRecords(content, into: &records)
            case UInt8(ascii: "L"): records["path"] = Array(content.prefix { $0 != 0 })
            case UInt8(ascii: "K"): records["linkpath"] = Array(content.prefix { $0 != 0 })
            default:
                let path = records["path"] ?? name(header)
                let target = records["linkpath"] ?? text(header[157..<257])
                let kind: Member.Kind
                switch type {
                case 0, UInt8(ascii: "0"): kind = path.last == UInt8(ascii: "/") ? .directory : .file(content)
                case UInt8(ascii: "1"): kind = .hardLink(target)
                case UInt8(ascii: "2"): kind = .link(target)
                case UInt8(ascii: "5"): kind = .directory
                default: throw TestSupportError("a member of type \(type)")
                }
                members.append(
                    Member(path: path, mode: UInt16(try number(header[100..<108]) & 0o7777), kind: kind))
                records = [:]
            }
        }
        guard records.isEmpty else { throw TestSupportError("a tar that is cut short") }
        return members
    }

    private static func name(_ header: [UInt8]) -> [UInt8] {
        let prefix = header[257..<263].elementsEqual("ustar\0".utf8) ? text(header[345..<500]) : []
        return (prefix.isEmpty ? [] : prefix + [UInt8(ascii: "/")]) + text(header[0..<100])
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    private static func verifyChecksum(_ header: [UInt8]) throws {
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(header[$1])) }
        guard try number(header[148..<156]) == sum else { throw TestSupportError("a wrong checksum") }
    }

    private static func number(_ field: ArraySlice<UInt8>) throws -> Int {
        if field.first == 0x80 {
            guard field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { throw TestSupportError("too much") }
            return field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = String(decoding: field.filter { $0 != 0 && $0 != 32 }, as: UTF8.self)
        guard let value = digits.isEmpty ? 0 : Int(digits, radix: 8) else { throw TestSupportError("not octal") }
        return value
    }

    private static func decimal(_ digits: some Sequence<UInt8>) throws -> Int {
        guard let value = Int(String(decoding: Array(digits), as: UTF8.self)) else {
            throw TestSupportError("not a number")
        }
        return value
    }

    /// Records of the form `LENGTH KEY=VALUE\n`, where LENGTH counts the whole record.
    private static func readRecords(_ content: [UInt8], into records: inout [String: [UInt8]]) throws {
        var rest = content[...]
        while let space = rest.firstIndex(of: UInt8(ascii: " ")) {
            let length = try decimal(rest[..<space])
            let record = rest.prefix(length).dropLast().drop { $0 != UInt8(ascii: " ") }.dropFirst()
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { throw TestSupportError("no record") }
            records[String(decoding: record[..<equals], as: UTF8.self)] = Array(record[(equals + 1)...])
            rest = rest.dropFirst(length)
        }
    }
}
