// SPDX-License-Identifier: Apache-2.0

/// A registry whose blobs nginx serves from disk, like the stores that large registries redirect to. Docker's own
/// registry reads 4 MiB for each request, however short the range.
public final class FileRegistry: Sendable {
    public let port: UInt16
    private let directory: TemporaryDirectory
    private let process: BackgroundProcess

    /// - Parameter registry: the registry that has the blobs and answers all other requests, without TLS or a password.
    public init(of registry: DockerRegistry) throws {
        directory = try TemporaryDirectory()
        port = try freePort()
        process = try Nginx.start(
            """
            access_log off;
            sendfile on;
            keepalive_requests 1000000;
            server {
              listen 127.0.0.1:\(port);
              location ~ ^/v2/.*/blobs/sha256:(?<first>[0-9a-f][0-9a-f])(?<rest>[0-9a-f]*)$ {
                default_type application/octet-stream;
                alias \(registry.blobDirectory)/$first/$first$rest/data;
              }
              location / { proxy_pass http://127.0.0.1:\(registry.port); proxy_set_header Host $http_host; }
            }
            """, in: directory.path, port: port)
    }

    deinit { stop() }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }
    public func stop() { process.terminate() }
}
