// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// The passwords and tokens of all tests of a run. Nothing that kitfs prints or logs may contain one. ``Command``
/// checks the output.
public enum Secrets {
    private static let known = Mutex<Set<String>>([])

    /// Adds a secret to those that are looked for. It is looked for as it is, as base64, escaped as in a URL, and as
    /// base64 of `USER:SECRET`.
    ///
    /// - Parameter secret: must be long and odd enough not to occur by chance.
    public static func add(_ secret: String, of user: String? = nil) {
        precondition(secret.utf8.count >= 6, "“\(secret)” may turn up by chance")
        var forms = [secret, escaped(secret), encoded(secret)]
        if let user { forms.append(encoded("\(user):\(secret)")) }
        known.withLock { $0.formUnion(forms) }
    }

    /// All secrets, in all their forms.
    public static var forms: Set<String> { known.withLock { $0 } }

    /// The first secret found in the bytes.
    public static func found(in bytes: [UInt8]) -> String? {
        let data = Data(bytes)
        return forms.first { data.range(of: Data($0.utf8)) != nil }
    }

    public static func found(in text: String) -> String? { found(in: Array(text.utf8)) }

    /// `FILE:SECRET` for each secret in a file below one of the directories.
    public static func found(below directories: String...) throws -> [String] {
        let patterns = Array(forms.joined(separator: "\n").utf8)
        let result = try Command.run("grep", ["-raosHF", "-f", "-"] + directories, input: patterns)
        return result.output.split(separator: "\n").map(String.init)
    }

    /// Base64 without its padding, since following bytes may change that.
    private static func encoded(_ text: String) -> String { String(Base64.encode(text).prefix { $0 != "=" }) }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = byte < 128 && (isalnum(Int32(byte)) != 0 || "-._~".utf8.contains(byte))
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }
}
