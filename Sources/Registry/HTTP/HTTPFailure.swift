// SPDX-License-Identifier: Apache-2.0

/// Why a request failed.
enum HTTPFailure: Error {
    /// The connection could not be made, broke or stalled. A retry may succeed.
    case transport(String)
    /// The server asks for a retry after some seconds.
    case busy(String, retryAfter: Double?)
    /// The connection was refused.
    case refused(String)
    /// The TLS handshake failed: the registry may speak plain HTTP.
    case handshake(String)
    /// The server's certificate is not from a trusted authority.
    case untrusted(String)
    /// A setting or the URL is invalid. A retry would fail in the same way.
    case settings(String)
    case cancelled
}
