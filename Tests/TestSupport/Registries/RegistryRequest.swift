// SPDX-License-Identifier: Apache-2.0

/// A request that a registry has answered, parsed from its access log.
public struct RegistryRequest: Sendable, Equatable, CustomStringConvertible {
    public let method: String
    /// The path and the query, as the client sent them.
    public let uri: String
    public let status: Int
    /// Bytes of body that the server handed to its kernel. After an aborted transfer this is more than the client
    /// received, by what the sockets' buffers held. ``FaultProxy/downstreamBytes`` counts closer to the client.
    public let bytesWritten: Int

    public var description: String { "\(method) \(uri) \(status) \(bytesWritten)" }

    /// The digest of a GET's blob, in hexadecimal digits; nil for other requests.
    public var blobHex: String? {
        guard method == "GET", let mark = uri.firstRange(of: "/blobs/sha256:") else { return nil }
        return String(uri[mark.upperBound...].prefix { $0.isHexDigit })
    }

    /// Parses a line in Apache's combined format: `host - user [time] "METHOD URI PROTOCOL" status bytes "…" "…"`.
    init?(logLine line: String) {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return nil }
        let request = parts[1].split(separator: " ")
        let numbers = parts[2].split(separator: " ")
        guard request.count == 3, numbers.count == 2, let status = Int(numbers[0]), let bytes = Int(numbers[1]) else {
            return nil
        }
        (method, uri, self.status, bytesWritten) = (String(request[0]), String(request[1]), status, bytes)
    }
}
