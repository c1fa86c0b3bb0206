// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// By default the system's authorities are trusted, wherever the system keeps them. Only the command sees the
/// `/etc/ssl/certs` of this test.
@Suite(.enabled(if: geteuid() == 0, "only root can mount over /etc/ssl/certs"))
struct SystemAuthorityTests {
    private let bench: CommandFixture
    private let registry: DockerRegistry
    private let reference: String
    private let authority: String
    private let other: String

    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry(tls: true)
        reference = "\(registry.host)/team/plain:v1"
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/plain:v1")
        authority = try #require(registry.caFile)
        other = try TestCertificates(directory: bench.directory.subdirectory("other")).caFile
    }

    /// Runs the command after `prepare`, in a new `/etc/ssl/certs`. $CA is the path of the registry's authority.
    private func inspect(_ prepare: String) throws -> CommandResult {
        let script = """
            set -e
            mkdir -p "$PLACE" && cd "$PLACE" && rm -rf ./*
            \(prepare)
            mount --bind "$PLACE" /etc/ssl/certs
            exec "$@"
            """
        let environment = bench.environment.merging([
            "CA": authority, "OTHER": other, "PLACE": bench.directory.path + "/certs",
        ]) { $1 }
        return try Command.run(
            "unshare",
            [
                "-m", "--propagation", "private", "sh", "-c", script, "sh", CommandFixture.executable, "inspect",
                reference,
            ],
            environment: environment)
    }

    private static let others = "cp \"$OTHER\" other.crt"
    private static let hashed = "cp \"$CA\" ca.pem; cat *.crt >ca-certificates.crt; openssl rehash ."
    private static let inFileOnly = "openssl rehash .; cat *.crt \"$CA\" >ca-certificates.crt"
    private static let fileAlone = "cat *.crt \"$CA\" >ca-certificates.crt; rm other.crt"

    @Test(arguments: [hashed, inFileOnly, fileAlone])
    func theyAreFound(_ place: String) throws {
        let result = try inspect(Self.others + "\n" + place)
        #expect(result.exitCode == 0 && result.output.contains("plain-small"), "\(result.errorOutput)")
    }

    @Test(arguments: [
        "openssl rehash .; cat *.crt >ca-certificates.crt", "cat *.crt >ca-certificates.crt; rm other.crt",
    ])
    func othersAreNot(_ place: String) throws {
        let result = try inspect(Self.others + "\n" + place)
        #expect(result.exitCode == 5 && result.errorOutput.contains("certificate"), "\(result.errorOutput)")
    }
}
