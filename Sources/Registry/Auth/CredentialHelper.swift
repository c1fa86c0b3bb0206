// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc
internal import OCI

/// A `docker-credential-NAME` program.
///
/// Protocol: <https://github.com/docker/docker-credential-helpers#development>: it is called with `get`, reads the
/// server's name, and writes JSON. Its output is never shown, since it may hold a secret.
struct CredentialHelper: Sendable {
    let name: String
    /// The helper's environment. It is searched for in its `PATH`.
    private let environment: [String: String]
    /// Seconds after which the helper is killed: it may ask for a password on a screen that nobody sees.
    private let timeout: Double

    /// nil if `name` cannot be part of a program's name.
    init?(_ name: String, environment: [String: String], timeout: Double = 30) {
        guard !name.isEmpty, name.utf8.count < 100,
            name.utf8.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "/") })
        else { return nil }
        self.name = name
        self.environment = environment
        self.timeout = timeout
    }

    var program: String { "docker-credential-\(name)" }

    /// nil if the helper has none for the server. Throws `SourceError.unauthorized` if it fails.
    func credential(for server: String) throws(SourceError) -> Credential? {
        let (code, output) = try run(input: server)
        guard code == 0 else {
            if String(decoding: output, as: UTF8.self).lowercased().contains("credentials not found") { return nil }
            throw .unauthorized("\(program) failed for \(server) (exit code \(code)); try `\(program) get` by hand")
        }
        struct Answer: Decodable {
            let user: String?, secret: String?
            enum CodingKeys: String, CodingKey { case user = "Username", secret = "Secret" }
        }
        // Any other output means no credentials. It is not quoted, since it may hold a secret.
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output)), let secret = answer.secret,
            !secret.isEmpty
        else { return nil }
        if answer.user == "<token>" { return .identityToken(secret) }
        return .basic(BasicCredentials(user: answer.user ?? "", password: secret))
    }

    private func run(input: String) throws(SourceError) -> (code: Int32, output: [UInt8]) {
        func failure(_ reason: String) -> SourceError {
            .unauthorized("\(program) cannot be run: \(reason); install it, or remove it from the auth file")
        }
        guard let path = find() else { throw failure("it is not in PATH") }
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        guard pipe(&toChild) == 0 else { throw failure(String(cString: strerror(errno))) }
        guard pipe(&fromChild) == 0 else {
            for end in toChild { close(end) }
            throw failure(String(cString: strerror(errno)))
        }
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // The text fits into the pipe, of which both ends are open here: writing neither blocks nor raises SIGPIPE.
        let bytes = Array(input.utf8)
        _ = write(toChild[1], bytes, bytes.count)
        close(toChild[1])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var argv = [strdup(program), strdup("get"), nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        var child = pid_t()
        let result = posix_spawn(&child, path, &actions, nil, &argv, &variables)
        for text in argv + variables { free(text) }
        posix_spawn_file_actions_destroy(&actions)
        close(toChild[0])
        close(fromChild[1])
        defer { close(fromChild[0]) }
        guard result == 0 else { throw failure(String(cString: strerror(result))) }
        let deadline = ContinuousClock.now + .seconds(timeout)
        let output = Self.readAll(fromChild[0], until: deadline)
        switch Self.wait(for: child, until: output == nil ? .now : deadline) {
        case .ended(let code):
            guard let output else { throw failure("its answer is too long") }
            return (code, output)
        case .late: throw failure("no answer within \(Int(timeout)) s")
        case .unknown(let error):
            throw failure("its exit status is unknown (\(String(cString: strerror(error))))")
        }
    }

    private func find() -> String? {
        (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    /// How a helper's process ended.
    enum Ending: Equatable {
        /// It exited, or a signal ended it, whose number is added to 128, as in shells.
        case ended(code: Int32)
        /// It was killed at the deadline.
        case late
        /// waitpid failed with this errno: ECHILD if something else reaps the children of this process, or SIGCHLD is
        /// ignored.
        case unknown(Int32)
    }

    static func wait(for child: Int32, until deadline: ContinuousClock.Instant) -> Ending {
        var status: Int32 = 0
        while true {
            let isLate = ContinuousClock.now >= deadline
            let result = waitpid(child, &status, WNOHANG)
            if result == child {
                return .ended(code: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))
            }
            if result < 0, errno != EINTR { return .unknown(errno) }
            if isLate { break }
            usleep(5_000)
        }
        kill(child, SIGKILL)
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return .late
    }

    /// nil if the output does not end before the deadline, or has 1 MiB or more.
    private static func readAll(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> [UInt8]? {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while ContinuousClock.now < deadline, output.count < 1 << 20 {
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 100) > 0 else { continue }
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return output }
            if count > 0 { output.append(contentsOf: buffer[0..<count]) }
        }
        return nil
    }
}
