// SPDX-License-Identifier: Apache-2.0

/// nginx between HTTPS and HTTP, since the servers of the tests do not support TLS.
public final class TLSRelay: Sendable {
    public let port: UInt16
    private let directory: TemporaryDirectory
    private let process: BackgroundProcess

    /// Serves HTTP, and connects to the registry by HTTPS. It trusts only the registry's authority.
    public convenience init(to registry: DockerRegistry) throws {
        try self.init(
            listen: "",
            "proxy_pass https://127.0.0.1:\(registry.port); proxy_ssl_verify on;"
                + "proxy_ssl_name localhost; proxy_ssl_trusted_certificate \(registry.caFile ?? "");")
    }

    /// Serves HTTPS with the certificate of `registry`, and connects to the server by HTTP.
    public convenience init(to server: TokenServer, as registry: DockerRegistry) throws {
        guard let certificates = registry.certificates else { throw TestSupportError("a registry without TLS") }
        try self.init(
            listen: " ssl", "proxy_pass http://\(server.host);",
            "ssl_certificate \(certificates.certificateFile); ssl_certificate_key \(certificates.keyFile);")
    }

    private init(listen: String, _ location: String, _ server: String = "") throws {
        directory = try TemporaryDirectory()
        port = try freePort()
        let http = """
            access_log off;
            server {
              listen 127.0.0.1:\(port)\(listen);
              \(server)
              location / { proxy_set_header Host $http_host; proxy_buffering off; \(location) }
            }
            """
        process = try Nginx.start(http, in: directory.path, port: port)
    }

    deinit { process.terminate() }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }
}
