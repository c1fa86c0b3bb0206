// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// The programs that kitfs is measured against, and the other programs that the bench runs.
struct Peers {
    /// The directory in which `make bench` has installed ratarmount.
    let environment: String
    let versions: [String: String]

    private static let asked: [(name: String, arguments: [String])] = [
        ("curl", ["--version"]), ("sha256sum", ["--version"]), ("igzip", ["--version"]), ("fio", ["--version"]),
        ("skopeo", ["--version"]), ("ratarmount", ["--version"]), ("docker-registry", ["--version"]),
    ]

    init(environment: String) {
        self.environment = environment
        var found: [String: String] = [:]
        for (name, arguments) in Self.asked {
            let program = name == "ratarmount" ? environment + "/bin/ratarmount" : name
            guard let result = try? Command.run(program, arguments), result.exitCode == 0 else { continue }
            let line = (result.output + result.errorOutput).split(separator: "\n").first.map(String.init) ?? ""
            found[name] = line.split(separator: " ").first { $0.contains { $0.isNumber } }.map(String.init) ?? line
        }
        versions = found
    }

    /// The path of a program, or its name if it is in PATH.
    func program(_ name: String) throws -> String {
        guard versions[name] != nil else { throw NotHere("\(name) is not installed") }
        return name == "ratarmount" ? environment + "/bin/ratarmount" : name
    }
}
