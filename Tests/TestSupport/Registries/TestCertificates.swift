// SPDX-License-Identifier: Apache-2.0

/// A certificate authority, and a server certificate from it for this machine and for ``name``.
public struct TestCertificates: Sendable {
    /// A host name that does not resolve.
    public static let name = "registry.example.test"
    /// The authority's certificate as a PEM file, for clients to trust.
    public let caFile: String
    let certificateFile: String
    let keyFile: String

    /// Makes both with the `openssl` command. They are valid for two days.
    public init(directory: String) throws {
        caFile = directory + "/ca.pem"
        certificateFile = directory + "/server.pem"
        keyFile = directory + "/server.key"
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Command.check(
            "openssl",
            ["req", "-x509"] + key + [
                "-keyout", directory + "/ca.key", "-out", caFile, "-days", "2", "-subj", "/CN=kitfs test CA",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ])
        try Command.check(
            "openssl",
            ["req"] + key + ["-keyout", keyFile, "-out", directory + "/server.csr", "-subj", "/CN=localhost"])
        let extensions = directory + "/server.ext"
        try writeFile(
            extensions,
            Array(
                "subjectAltName=IP:127.0.0.1,IP:0.0.0.0,DNS:localhost,DNS:\(Self.name)\nextendedKeyUsage=serverAuth\n"
                    .utf8))
        try Command.check(
            "openssl",
            [
                "x509", "-req", "-in", directory + "/server.csr", "-CA", caFile, "-CAkey", directory + "/ca.key",
                "-CAcreateserial", "-out", certificateFile, "-days", "2", "-extfile", extensions,
            ])
    }

    /// Makes a client's certificate from the same authority: `NAME.cert` and `NAME.key` in a directory.
    func makeClient(_ name: String, in directory: String) throws {
        let path = "\(directory)/\(name)"
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path + ".key"]
        try Command.check("openssl", ["req"] + key + ["-out", path + ".csr", "-subj", "/CN=\(name)"])
        let authority = ["-CA", caFile, "-CAkey", caFile.dropLast("ca.pem".count) + "ca.key", "-CAcreateserial"]
        try Command.check(
            "openssl", ["x509", "-req", "-in", path + ".csr", "-out", path + ".cert", "-days", "2"] + authority)
    }
}
