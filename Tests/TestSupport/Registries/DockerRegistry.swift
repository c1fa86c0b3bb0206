// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A real registry (Debian's `docker-registry`) on 127.0.0.1. Its storage lives as long as the object.
///
/// It needs the packages docker-registry and skopeo, openssl for TLS, and perl-base (essential in Debian) for
/// passwords.
public final class DockerRegistry: Sendable {
    public typealias Credentials = (user: String, password: String)

    struct State {
        var process: BackgroundProcess?
        /// The number of sentinels sent so far. Each has its own number.
        var sentinels = 0
        /// The length of the access log's start that ``requests()`` leaves out, in bytes.
        var logStart = 0
    }

    public let port: UInt16
    /// The credentials that clients must have; nil for none.
    public let credentials: Credentials?
    /// The authority that signed the server's certificate, as a PEM file; nil when the registry speaks plain HTTP.
    public var caFile: String? { certificates?.caFile }
    let certificates: TestCertificates?
    let directory: TemporaryDirectory
    let state = Mutex(State())

    /// Makes and starts a registry.
    ///
    /// - Parameters:
    ///   - htpasswd: the only user; nil for no authentication.
    ///   - tls: speak HTTPS, see ``caFile``.
    public init(htpasswd: Credentials? = nil, tls: Bool = false) throws {
        directory = try TemporaryDirectory()
        credentials = htpasswd
        certificates = tls ? try TestCertificates(directory: directory.subdirectory("tls")) : nil
        if let htpasswd {
            Secrets.add(htpasswd.password, of: htpasswd.user)
            try writeFile(directory.path + "/htpasswd", Array(try RegistryConfiguration.passwordLine(htpasswd).utf8))
        }
        port = try freePort()
        let configuration = RegistryConfiguration(
            directory: directory.path, port: port, hasPassword: htpasswd != nil, certificates: certificates)
        try writeFile(directory.path + "/config.yml", Array(configuration.text.utf8))
        try start()
    }

    deinit {
        stop()
    }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }

    /// `http://127.0.0.1:PORT`, or `https://…`
    public var url: String { (caFile == nil ? "http://" : "https://") + host }

    /// The registry's log: JSON lines, without those for requests.
    public var log: String {
        // A registry that never started has no log.
        (try? readFile(directory.path + "/registry.log")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    public var isRunning: Bool { state.withLock { $0.process?.isRunning ?? false } }

    /// Starts again on the same port with the same storage, and waits up to 15 s for it to answer. Does nothing when
    /// it runs.
    public func start() throws {
        guard !isRunning else { return }
        let process = try BackgroundProcess(
            "/usr/bin/docker-registry", ["serve", directory.path + "/config.yml"],
            outputFile: accessLog, errorFile: directory.path + "/registry.log")
        state.withLock { $0.process = process }
        do {
            try eventually(within: 15, "the registry at \(host) answers") {
                guard process.isRunning else { throw TestSupportError("docker-registry ended: \(log)") }
                // Requests fail until the registry listens.
                return (try? answersSentinel()) ?? false
            }
        } catch {
            stop()
            throw error
        }
    }

    /// Ends the registry. Its storage and log remain.
    public func stop() {
        let process = state.withLock { state in
            defer { state.process = nil }
            return state.process
        }
        process?.terminate()
    }

    var accessLog: String { directory.path + "/access.log" }
}
