// SPDX-License-Identifier: Apache-2.0

/// Hosts that are reached without the proxy of the environment.
///
/// As in Go's tools (<https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>): `NO_PROXY` or `no_proxy`, and always
/// this machine.
enum ProxyExceptions {
    private static let loopback = ["localhost", "127.0.0.0/8", "::1"]

    /// For CURLOPT_NOPROXY.
    static func list(environment: [String: String]) -> String {
        let named = ["NO_PROXY", "no_proxy"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let entries = named.split { $0 == "," || $0 == " " }.map { entry in
            // libcurl does not support `*.example.com`; its `example.com` matches all hosts below, too.
            entry.hasPrefix("*.") ? entry.dropFirst(2) : entry
        }
        // libcurl takes `*` for all hosts only if it is the whole list.
        if entries.contains("*") { return "*" }
        return (loopback + entries.map(String.init)).joined(separator: ",")
    }
}
