// SPDX-License-Identifier: Apache-2.0
import ModelKit

/// What a scalar without quotes means: YAML 1.1's types <https://yaml.org/type/>, and 1.2's core schema, section 10.3.
enum PlainScalar {
    static func meaning(_ text: String) throws -> JSONValue {
        let lower = text.lowercased()
        if ["", "~", "null"].contains(lower) { return .null }
        if ["true", "false"].contains(lower) { return .bool(lower == "true") }
        if ["yes", "no", "on", "off", "y", "n"].contains(lower) { throw YAMLReader.Failure(reason: "1.1's \(text)") }
        if text.wholeMatch(of: /[-+]?(0|[1-9][0-9]*)/) != nil {
            return Int64(text).map { .integer($0) } ?? UInt64(text).map { .unsigned($0) }
                ?? .string("too large: \(text)")
        }
        if text.wholeMatch(of: /[-+]?[0-9]+\.[0-9]*(e[-+][0-9]+)?/) != nil, let number = Double(text) {
            return .number(number)
        }
        // What is left and looks like a number, a time or a date: one of the two does not take it for a string.
        if text.wholeMatch(of: /[-+.]?[0-9][-+.:0-9_a-zA-Z ]*|[-+]?\.(inf|nan|Inf|NaN|INF|NAN)|=|<</) != nil {
            throw YAMLReader.Failure(reason: "\(text) may be many things")
        }
        return .string(text)
    }
}
