// SPDX-License-Identifier: Apache-2.0

/// Why a source failed. The payload is a sentence that names the registry, file or blob.
public enum SourceError: Error, Equatable {
    /// The registry, layout or store does not have the reference or blob.
    case notFound(String)
    /// Credentials are missing, wrong or insufficient.
    case unauthorized(String)
    /// No complete answer came. A later attempt may succeed.
    case unreachable(String)
    /// The answer is not what was asked for, or contradicts its digest, its length or itself.
    case unusable(String)
    /// The user's settings are invalid: an auth file, registries.conf, certs.d.
    case misconfigured(String)
    case cancelled
}

extension SourceError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let what), .unauthorized(let what), .unreachable(let what), .unusable(let what),
            .misconfigured(let what):
            what
        case .cancelled: "the transfer was cancelled"
        }
    }
}
