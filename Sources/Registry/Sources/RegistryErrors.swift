// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import OCI

/// The error body of a registry. Spec: distribution-spec, "Error Codes".
enum RegistryErrors {
    /// Code and message of the first error in one printable line; nil if the body has none.
    static func summary(of body: [UInt8]) -> String? {
        struct Body: Decodable { let errors: [Item]? }
        struct Item: Decodable { let code: String?, message: String? }
        // Any body may come with an error status. One that cannot be decoded has nothing to add to the status.
        guard let first = try? JSONDecoder().decode(Body.self, from: Data(body)).errors?.first else { return nil }
        let text = [first.code, first.message].compactMap { $0 }.joined(separator: ", ")
        // The text goes to terminals and to a log with one line for each message.
        let clean = text.map { $0.isNewline ? " " : $0.unicodeScalars.contains(where: isControl) ? "\u{FFFD}" : $0 }
        return text.isEmpty ? nil : String(clean.prefix(200))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control
    }
}
