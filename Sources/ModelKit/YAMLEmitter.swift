// SPDX-License-Identifier: Apache-2.0
private import CYAML
private import OCI

/// Writes JSON values as a YAML document by libyaml's emitter. Used once, on one thread.
final class YAMLEmitter {
    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    /// The output of libyaml's write handler; boxed because the handler gets a plain pointer.
    private final class Sink { var bytes: [UInt8] = [] }
    /// Bytes. The indentation of deeply nested JSON can turn 8 MiB into gigabytes.
    private static let outputLimit = 64 << 20
    private let sink = Sink()

    var output: [UInt8] { sink.bytes }

    init() throws(ModelKitError) {
        emitter = .allocate(capacity: 1)
        guard yaml_emitter_initialize(emitter) == 1 else {
            emitter.deallocate()
            throw .badConfig(reason: "libyaml could not be set up")
        }
        yaml_emitter_set_unicode(emitter, 1)
        yaml_emitter_set_width(emitter, -1)
        // SAFETY: the sink is owned by self, which outlives every call that emits.
        yaml_emitter_set_output(
            emitter,
            { context, buffer, size in
                guard let context, let buffer else { return 0 }
                let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
                guard sink.bytes.count + size <= YAMLEmitter.outputLimit else { return 0 }
                sink.bytes.append(contentsOf: UnsafeBufferPointer(start: buffer, count: size))
                return 1
            }, Unmanaged.passUnretained(sink).toOpaque())
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    func emitDocument(_ value: JSONValue, order: [String]) throws(ModelKitError) {
        let rank = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        try emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        try emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        try emit(value, rank)
        try emit { yaml_document_end_event_initialize($0, 1) }
        try emit { yaml_stream_end_event_initialize($0) }
    }

    private func emit(_ value: JSONValue, _ rank: [String: Int]) throws(ModelKitError) {
        switch value {
        case .null: try emitScalar("null", style: YAML_PLAIN_SCALAR_STYLE)
        case .bool(let value): try emitScalar(value ? "true" : "false", style: YAML_PLAIN_SCALAR_STYLE)
        case .integer(let value): try emitScalar(String(value), style: YAML_PLAIN_SCALAR_STYLE)
        case .unsigned(let value): try emitScalar(String(value), style: YAML_PLAIN_SCALAR_STYLE)
        case .number(let value): try emitScalar(Self.text(of: value), style: YAML_PLAIN_SCALAR_STYLE)
        case .string(let text): try emitText(text)
        case .array(let values):
            try emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_ANY_SEQUENCE_STYLE) }
            for value in values { try emit(value, rank) }
            try emit { yaml_sequence_end_event_initialize($0) }
        case .object(let members):
            try emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_ANY_MAPPING_STYLE) }
            for (key, value) in members.sorted(by: { (rank[$0.key] ?? .max, $0.key) < (rank[$1.key] ?? .max, $1.key) })
            {
                try emitText(key)
                try emit(value, rank)
            }
            try emit { yaml_mapping_end_event_initialize($0) }
        }
    }

    /// Text is plain where every reader of YAML 1.1 and 1.2 takes it for a string, and quoted otherwise: without
    /// quotes, `no`, `1.0`, `~` and `2024-01-01` are read as other types.
    private func emitText(_ text: String) throws(ModelKitError) {
        let isWord =
            text.utf8.first?.isLetter ?? false
            && !text.utf8.contains { $0 < 32 }
        let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"]
        let isPlain = isWord && !reserved.contains(text.lowercased())
        try emitScalar(text, style: isPlain ? YAML_ANY_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE)
    }

    /// A number with an exponent has a decimal point: YAML 1.1 takes `1e+30` for a string.
    private static func text(of number: Double) -> String {
        let text = String(number)
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    private func emitScalar(_ text: String, style: yaml_scalar_style_t) throws(ModelKitError) {
        var text = text
        let plain: Int32 = style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ? 0 : 1
        try emit { event in
            text.withUTF8 {
                yaml_scalar_event_initialize(event, nil, nil, $0.baseAddress, Int32($0.count), plain, 1, style)
            }
        }
    }

    /// Makes one event and passes it to the emitter, which frees it also when it fails.
    private func emit(_ make: (UnsafeMutablePointer<yaml_event_t>) -> Int32) throws(ModelKitError) {
        var event = yaml_event_t()
        guard make(&event) == 1, yaml_emitter_emit(emitter, &event) == 1 else {
            throw .badConfig(reason: "libyaml cannot write it")
        }
    }
}
