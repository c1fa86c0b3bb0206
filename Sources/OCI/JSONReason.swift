// SPDX-License-Identifier: Apache-2.0

/// Describes in a few words why JSON could not be decoded; `DecodingError` does so in many.
package enum JSONReason {
    package static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it is not JSON" }
        switch error {
        case .keyNotFound(let key, let context):
            return "“\(path(context.codingPath + [key]))” is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "“\(path(context.codingPath))” has the wrong type"
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else { return "it is not valid JSON" }
            return "“\(path(context.codingPath))”: \(context.debugDescription)"
        @unknown default:
            return "it is not the JSON that was expected"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        let text = keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        return text.isEmpty ? "the whole" : String(text.prefix(120))
    }
}
