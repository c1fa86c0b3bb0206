// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import OCI

/// The error body of a registry. Spec: distribution-spec, "Error Codes".
enum RegistryErrors {
    /// The first error's code and message in one printable line; nil if the body is none.
    static func summary(of body: [UInt8]) -> String? {
        struct Body: Decodable { let errors: [Item]? }
        struct Item: Decodable { let code: String?, message: String? }
        guard let first = try? JSONDecoder().decode(Body.self, from: Data(body)).errors?.first else { return nil }
        let text = [first.code, first.message].compactMap { $0 }.joined(separator: ", ")
        // It goes to a terminal and to a log of lines.
        let clean = text.map { $0.isNewline ? " " : $0.unicodeScalars.contains(where: isControl) ? "\u{FFFD}" : $0 }
        return text.isEmpty ? nil : String(clean.prefix(200))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}
