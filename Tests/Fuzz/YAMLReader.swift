// SPDX-License-Identifier: Apache-2.0
import CYAML
import ModelKit

/// Reads a YAML document by libyaml's parser, and resolves its plain scalars. A scalar that YAML 1.1 and 1.2 resolve
/// differently is an error: a Kitfile must not depend on its reader.
final class YAMLReader {
    struct Failure: Error { let reason: String }

    private let parser: UnsafeMutablePointer<yaml_parser_t>

    private init() throws {
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else { throw Failure(reason: "no parser") }
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    private enum Event {
        case scalar(String, isPlain: Bool)
        case sequence, sequenceEnd, mapping, mappingEnd, streamEnd, other
    }

    static func read(_ yaml: [UInt8]) throws -> JSONValue {
        try yaml.withUnsafeBufferPointer { buffer in
            let reader = try YAMLReader()
            yaml_parser_set_input_string(reader.parser, buffer.baseAddress, buffer.count)
            guard case .other = try reader.next(), case .other = try reader.next() else {
                throw Failure(reason: "no start")
            }
            let value = try reader.value(reader.next())
            guard case .other = try reader.next(), case .streamEnd = try reader.next() else {
                throw Failure(reason: "more than one document")
            }
            return value
        }
    }

    private func next() throws -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else {
            throw Failure(reason: "line \(parser.pointee.problem_mark.line + 1)")
        }
        defer { yaml_event_delete(&event) }
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT: return .sequence
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT: return .mapping
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_STREAM_END_EVENT: return .streamEnd
        default: return .other
        }
    }

    private func value(_ event: Event) throws -> JSONValue {
        switch event {
        case .scalar(let text, let isPlain):
            return isPlain ? try PlainScalar.meaning(text) : .string(text)
        case .sequence:
            var values: [JSONValue] = []
            while true {
                let event = try next()
                if case .sequenceEnd = event { return .array(values) }
                values.append(try value(event))
            }
        case .mapping:
            var members: [String: JSONValue] = [:]
            while true {
                let event = try next()
                if case .mappingEnd = event { return .object(members) }
                guard case .string(let key) = try value(event) else { throw Failure(reason: "a key is no string") }
                guard members.updateValue(try value(next()), forKey: key) == nil else {
                    throw Failure(reason: "\(key) stands there twice")
                }
            }
        case .sequenceEnd, .mappingEnd, .streamEnd, .other:
            throw Failure(reason: "a value is missing")
        }
    }
}
