// SPDX-License-Identifier: Apache-2.0

/// Hosts that are reached without the proxy that the environment names.
///
/// As Go's tools have it (<https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>): `NO_PROXY` or `no_proxy`, and
/// never a proxy for this very machine.
enum ProxyExceptions {
    private static let loopback = ["localhost", "127.0.0.0/8", "::1"]

    /// For CURLOPT_NOPROXY.
    static func list(environment: [String: String]) -> String {
        let named = ["NO_PROXY", "no_proxy"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let entries = named.split { $0 == "," || $0 == " " }.map { entry in
            // libcurl knows no `*.example.com`: what it matches at the end it matches below, too.
            entry.hasPrefix("*.") ? entry.dropFirst(2) : entry
        }
        // libcurl takes it for all hosts only where it stands alone.
        if entries.contains("*") { return "*" }
        return (loopback + entries.map(String.init)).joined(separator: ",")
    }
}
