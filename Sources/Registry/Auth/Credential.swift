// SPDX-License-Identifier: Apache-2.0

/// Credentials for a registry. Secrets are never printed.
enum Credential: Sendable, Equatable, CustomStringConvertible {
    case basic(BasicCredentials)
    /// A refresh token, which is exchanged for access tokens.
    case identityToken(String)

    var description: String {
        switch self {
        case .basic(let basic): basic.description
        case .identityToken: "an identity token"
        }
    }
}

/// User and password for `Authorization: Basic`.
struct BasicCredentials: Sendable, Equatable, CustomStringConvertible {
    let user: String
    let password: String

    var description: String { "credentials of “\(user)”" }
}
