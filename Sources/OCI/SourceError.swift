// SPDX-License-Identifier: Apache-2.0

/// Why a source did not give what it was asked for. Each payload is a sentence that names the place.
public enum SourceError: Error, Equatable {
    /// The registry, layout or store has no such reference or blob.
    case notFound(String)
    /// Credentials are missing, wrong, or not enough.
    case unauthorized(String)
    /// Nobody answered, or not to the end; trying later may help.
    case unreachable(String)
    /// What came is not what was asked for, or not what it claims to be.
    case unusable(String)
    /// The user's own settings cannot be made sense of: an auth file, registries.conf, certs.d.
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
