// SPDX-License-Identifier: Apache-2.0
private import OCI

/// Attributes of a member from the extended headers before it: PAX records (`x`, and `g` for all later members) and
/// GNU's long names (`L`, `K`).
///
/// Spec: POSIX.1-2017, pax, "pax Extended Header".
struct TarExtensions: Sendable {
    private var global = Records()
    private var local = Records()

    /// A value is nil without a record, and `.some(nil)` for an empty record, which revokes an earlier one.
    private struct Records: Sendable {
        var path: [UInt8]??
        var linkTarget: [UInt8]??
        var size: UInt64??
        var modified: Int64??
        var unsupported: String?
        var isEmpty = true
    }

    var path: [UInt8]? { (local.path ?? global.path) ?? nil }
    var linkTarget: [UInt8]? { (local.linkTarget ?? global.linkTarget) ?? nil }
    var size: UInt64? { (local.size ?? global.size) ?? nil }
    var modified: Int64? { (local.modified ?? global.modified) ?? nil }
    var unsupported: String? { local.unsupported ?? global.unsupported }
    /// Whether there is no extension that a member must follow.
    var isEmpty: Bool { local.isEmpty }

    static func isExtension(_ type: UInt8) -> Bool { "xgLK".utf8.contains(type) }

    mutating func reset() { local = Records() }

    /// `content` has no padding; `offset` is for messages only.
    mutating func read(_ content: ArraySlice<UInt8>, type: UInt8, at offset: UInt64) throws(TarError) {
        switch type {
        case UInt8(ascii: "g"):
            try Self.readRecords(content, into: &global, at: offset)
        case UInt8(ascii: "x"):
            local.isEmpty = false
            try Self.readRecords(content, into: &local, at: offset)
        case UInt8(ascii: "L"):
            local.isEmpty = false
            local.path = Array(content.prefix { $0 != 0 })
        default:
            local.isEmpty = false
            local.linkTarget = Array(content.prefix { $0 != 0 })
        }
    }

    /// Records are `LENGTH KEY=VALUE\n`; LENGTH is that of the whole record. Values are bytes.
    private static func readRecords(
        _ content: ArraySlice<UInt8>, into records: inout Records, at offset: UInt64
    ) throws(TarError) {
        func failure(_ reason: String) -> TarError { .badExtension(reason: reason, offset: offset) }
        var rest = content
        while !rest.isEmpty {
            guard let space = rest.prefix(20).firstIndex(of: 32), let length = decimal(rest[..<space]),
                length > UInt64(space - rest.startIndex) + 1, length <= UInt64(rest.count)
            else { throw failure("a record of the extension has no usable length") }
            let end = rest.startIndex + Int(length)
            let record = rest[(space + 1)..<(end - 1)]
            guard rest[end - 1] == 10, let equals = record.firstIndex(of: 61) else {
                throw failure("a record of the extension is not KEY=VALUE")
            }
            let value = record[(equals + 1)...]
            switch String(decoding: record[..<equals], as: UTF8.self) {
            case "path": records.path = .some(value.isEmpty ? nil : Array(value))
            case "linkpath": records.linkTarget = .some(value.isEmpty ? nil : Array(value))
            case "size" where value.isEmpty: records.size = .some(nil)
            case "mtime" where value.isEmpty: records.modified = .some(nil)
            case "size":
                guard let size = decimal(value) else { throw failure("size is not a number") }
                records.size = size
            case "mtime":
                // Fractions of a second are dropped. A time before 1970 is read as 0.
                records.modified = decimal(value.prefix { $0 != 46 }).map { Int64(clamping: $0) } ?? 0
            case let key where key.hasPrefix("GNU.sparse."): records.unsupported = "a sparse file"
            default: break
            }
            rest = rest[end...]
        }
    }

    /// nil unless all are digits and the value is below 2^63.
    private static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(decimal: digits).flatMap { $0 <= UInt64(Int64.max) ? $0 : nil }
    }
}
