// SPDX-License-Identifier: Apache-2.0

/// Settings of a client. Times are in seconds.
struct HTTPSettings: Sendable {
    var verifyTLS = true
    /// A PEM file of the authorities to trust instead of the system's.
    var caFile: String?
    /// The certificates in certs.d for the host.
    var certificates: HostCertificates?
    /// Paths of PEM files of a client certificate and its key. They override certs.d.
    var clientCertificate: String?
    var clientKey: String?
    /// URL of a proxy. It overrides the environment.
    var proxy: String?
    /// Hosts that are reached without a proxy, in the form of CURLOPT_NOPROXY; nil for those of the environment.
    var proxyExceptions: String?
    var connectTimeout = 10
    /// A transfer without a byte for this long is given up.
    var stallTimeout = 20
    var userAgent = "kitfs"
}
