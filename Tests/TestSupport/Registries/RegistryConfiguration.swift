// SPDX-License-Identifier: Apache-2.0

/// The configuration file of docker-registry 2.8.
struct RegistryConfiguration {
    let directory: String
    let port: UInt16
    let hasPassword: Bool
    let certificates: TestCertificates?

    /// The configuration has no `storage.cache`: every request reads the files, so clients see a byte that was flipped
    /// there. Purging of uploads is off, since it would start at a random time.
    var text: String {
        var text = """
            version: 0.1
            log:
              level: info
              formatter: json
              accesslog:
                disabled: false
            storage:
              filesystem:
                rootdirectory: \(directory)/storage
              delete:
                enabled: true
              maintenance:
                uploadpurging:
                  enabled: false
            http:
              addr: 127.0.0.1:\(port)
              secret: not-a-secret

            """
        if let certificates {
            text += """
                  tls:
                    certificate: \(certificates.certificateFile)
                    key: \(certificates.keyFile)

                """
        }
        if hasPassword {
            text += """
                auth:
                  htpasswd:
                    realm: kitfs-test
                    path: \(directory)/htpasswd

                """
        }
        return text
    }

    /// A line for the password file. The registry supports only bcrypt, which the C library's crypt and so perl's crypt
    /// support.
    static func passwordLine(_ credentials: DockerRegistry.Credentials) throws -> String {
        // Cost 4 is the lowest, since every request of a test checks its password. The salt need not be random.
        let script = #"print crypt(join("", <STDIN>), '$2y$04$abcdefghijklmnopqrstuu')"#
        let hash = try Command.check("perl", ["-e", script], input: Array(credentials.password.utf8)).output
        guard hash.hasPrefix("$2y$") else { throw TestSupportError("perl's crypt does not know bcrypt: \(hash)") }
        return "\(credentials.user):\(hash)\n"
    }
}
