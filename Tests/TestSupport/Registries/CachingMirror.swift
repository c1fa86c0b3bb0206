// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// nginx as a caching mirror of a registry, a common setup in companies.
public final class CachingMirror: Sendable {
    public let port: UInt16
    private let directory: TemporaryDirectory
    private let upstream: UInt16
    private let process = Mutex<BackgroundProcess?>(nil)

    /// The certificates, if clients must have one; nil for plain HTTP.
    private let certificates: TestCertificates?

    /// - Parameter registry: a registry without TLS.
    public convenience init(of registry: DockerRegistry) throws { try self.init(of: registry, nil) }

    /// - Parameter certificates: the server's, and the authority of its clients.
    init(of registry: DockerRegistry, _ certificates: TestCertificates?) throws {
        self.certificates = certificates
        directory = try TemporaryDirectory()
        upstream = registry.port
        port = try freePort()
        try start()
    }

    deinit { stop() }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }

    /// - Parameter status: the status of all answers of a broken mirror; nil for one that works.
    public func start(answering status: Int? = nil) throws {
        stop()
        let started = try Nginx.start(configuration(status), in: directory.path, port: port)
        process.withLock { $0 = started }
    }

    /// Stops nginx. Its cache remains.
    public func stop() {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        running?.terminate()
    }

    /// Inverts a byte in the middle of each cached answer of more than `size` bytes.
    ///
    /// - Returns: the number of answers.
    public func corruptCache(over size: Int) throws -> Int {
        let cached = try Command.check("find", [directory.path + "/cache", "-type", "f"]).output.split(separator: "\n")
        var count = 0
        for path in cached.map(String.init) {
            var bytes = try readFile(path)
            guard bytes.count > size else { continue }
            bytes[bytes.count / 2] = ~bytes[bytes.count / 2]
            try writeFile(path, bytes)
            count += 1
        }
        return count
    }

    /// The number of requests that were answered from the cache.
    public var hits: Int { log.count { $0.hasSuffix(" HIT") } }
    /// A line for each request: method, path, status, and the cache's result.
    public var log: [String] {
        // nginx creates the log with its first line.
        let text = (try? readFile(directory.path + "/access.log")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    private func configuration(_ status: Int?) -> String {
        let answer =
            status.map { "return \($0);" }
                ?? """
                proxy_pass http://127.0.0.1:\(upstream);
                proxy_set_header Host $http_host;
                proxy_cache mirror;
                proxy_cache_valid 200 1h;
                """
        let tls = certificates.map {
            """
            ssl_certificate \($0.certificateFile); ssl_certificate_key \($0.keyFile);
            ssl_client_certificate \($0.caFile); ssl_verify_client on;
            """
        }
        return """
            log_format short '$request_method $uri $status $upstream_cache_status';
            access_log \(directory.path)/access.log short;
            proxy_cache_path \(directory.path)/cache keys_zone=mirror:1m;
            server {
              listen 127.0.0.1:\(port)\(tls == nil ? "" : " ssl");
              \(tls ?? "")
              location / { \(answer) }
            }
            """
    }
}
