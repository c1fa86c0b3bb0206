// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import Registry

/// `docker-credential-*` programs: shell scripts in a temporary directory.
@Suite final class CredentialHelperTests {
    private let directory: TemporaryDirectory
    private var environment: [String: String] { ["PATH": directory.path + ":/usr/bin:/bin", "MARK": "m"] }

    init() throws { directory = try TemporaryDirectory() }

    private func helper(_ script: String, name: String = "test", timeout: Double = 10) throws -> CredentialHelper {
        let path = directory.path + "/docker-credential-" + name
        try writeFile(path, Array("#!/bin/sh\n\(script)\n".utf8))
        #expect(chmod(path, 0o755) == 0)
        return try #require(CredentialHelper(name, environment: environment, timeout: timeout))
    }

    private func reason(_ helper: CredentialHelper) -> String {
        let error = #expect(throws: SourceError.self) { try helper.credential(for: "r.io") }
        guard case .unauthorized(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return ""
        }
        return reason
    }

    @Test func itIsAskedAsDockerAsks() throws {
        let script = """
            read server
            test "$1 $#" = "get 1" && printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$server" "$server-$MARK"
            """
        #expect(
            try helper(script).credential(for: "https://index.docker.io/v1/")
                == .basic(BasicCredentials(user: "https://index.docker.io/v1/-m", password: "s")))
        #expect(
            try helper(#"echo '{"Username":"<token>","Secret":"refresh"}'"#).credential(for: "r.io")
                == .identityToken("refresh"))
        // It does not read its input, and its answer is longer than a pipe holds.
        #expect(
            try helper(#"exec <&-; printf '{"Username":"u","Secret":"s"}%200000s' ' '"#).credential(for: "r.io")
                == .basic(BasicCredentials(user: "u", password: "s")))
    }

    @Test func itHasNone() throws {
        #expect(try helper("echo credentials not found in native keychain; exit 1").credential(for: "r.io") == nil)
        for answer in ["", "s3cret", "{}", #"{"Username":"u","Secret":""}"#, #"["s3cret"]"#] {
            #expect(try helper("printf '%s' '\(answer)'").credential(for: "r.io") == nil, "\(answer)")
        }
    }

    @Test func itFails() throws {
        let failed = reason(try helper("echo s3cret; echo s3cret >&2; exit 7"))
        #expect(failed.contains("docker-credential-test failed for r.io") && failed.contains("exit code 7"))
        #expect(!failed.contains("s3cret"))
        #expect(reason(try helper("kill -9 $$")).contains("137"))
        let missing = try #require(CredentialHelper("missing", environment: environment))
        #expect(reason(missing).contains("docker-credential-missing cannot be run: it is not in PATH"))
        #expect(reason(try #require(CredentialHelper("missing", environment: [:]))).contains("not in PATH"))
        for name in ["", "a/b", "../x", "a b", "a\n", String(repeating: "x", count: 100)] {
            #expect(CredentialHelper(name, environment: environment) == nil)
        }
    }

    /// The status of a process that is not our child is unknown, which is not a success.
    @Test func itsEndIsUnknown() {
        #expect(CredentialHelper.wait(for: .max, until: .now + .seconds(10)) == .unknown(ECHILD))
        #expect(CredentialHelper.wait(for: .max, until: .now) == .unknown(ECHILD))
    }

    @Test func itSaysTooMuch() throws {
        let script = #"printf '{"Username":"u","Secret":"s"}%2000000s' ' ' | head -c 1048576"#
        #expect(reason(try helper(script + "; exit 0")).contains("docker-credential-test cannot be run"))
    }

    /// It is killed, whether it keeps its output open or not, and leaves no process.
    @Test(arguments: ["exec sleep 60", "exec >&-; exec sleep 60", "yes s3cret"]) func itHangs(_ script: String) throws {
        let pidFile = directory.path + "/pid"
        let helper = try helper("echo $$ >\(pidFile)\n\(script)", timeout: 0.5)
        let start = monotonicSeconds()
        let message = reason(helper)
        #expect(message.contains("no answer within") && !message.contains("s3cret"), "\(message)")
        #expect(monotonicSeconds() - start < 5)
        let pid = try #require(Int32(String(decoding: try readFile(pidFile), as: UTF8.self).split(separator: "\n")[0]))
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    /// A credHelper for the host is asked first, a credsStore last.
    @Test func inAnAuthFile() throws {
        _ = try helper(#"echo '{"Username":"helper","Secret":"s"}'"#, name: "one")
        _ = try helper(#"read s; echo "{\"Username\":\"store:$s\",\"Secret\":\"s\"}""#, name: "all")
        _ = try helper("echo credentials not found; exit 1", name: "none")
        func user(_ host: String, _ helper: String = "one") throws -> String? {
            let json = """
                {"auths":{"a.io":{"auth":"ZmlsZTpz"},"b.io":{"auth":"ZmlsZTpz"},"d.io":{}},
                "credHelpers":{"a.io":"\(helper)"},"credsStore":"all"}
                """
            try writeFile(directory.path + "/auth.json", Array(json.utf8))
            let store = CredentialStore(authFile: directory.path + "/auth.json", environment: environment)
            guard
                case .basic(let basic)? = try store.credential(
                    for: try #require(RegistryHost(host)), try #require(Repository("x")))
            else { return nil }
            return basic.user
        }
        #expect(try user("a.io") == "helper")
        #expect(try user("a.io", "none") == "file")
        #expect(try user("b.io") == "file")
        #expect(try user("c.io") == "store:c.io")
        #expect(try user("d.io") == "store:d.io")
        #expect(try user("docker.io") == "store:https://index.docker.io/v1/")
        // It is reported, not skipped: the user configured it.
        #expect(throws: SourceError.self) { try user("a.io", "missing") }
    }
}
