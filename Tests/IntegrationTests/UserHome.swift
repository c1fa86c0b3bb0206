// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// What a user has set up for registries, below a home of a test's own; and secrets, which must show nowhere.
final class UserHome {
    let bench: Workbench
    let path: String
    /// An auth file that nobody finds without being told.
    var authFile: String { path + "/logins.json" }
    private var secrets: Set<String> = []

    init() throws {
        bench = try Workbench()
        path = bench.directory.path + "/home"
        let proxies = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
        for variable in proxies + proxies.map({ $0.uppercased() }) { bench.environment[variable] = "" }
        for variable in ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF", "XDG_DATA_HOME"] {
            bench.environment[variable] = ""
        }
        bench.environment["XDG_CONFIG_HOME"] = path + "/.config"
        bench.environment["XDG_RUNTIME_DIR"] = try bench.directory.subdirectory("run")
    }

    func write(_ name: String, _ text: String) throws {
        let folder = name.split(separator: "/").dropLast().joined(separator: "/")
        _ = try bench.directory.subdirectory("home/" + folder)
        try writeFile("\(path)/\(name)", Array(text.utf8))
    }

    func addSecret(_ secret: String) { secrets.insert(secret) }

    /// As `docker login` writes it: into ``authFile``, or another file.
    func logIn(_ host: String, _ user: String, _ password: String, in file: String = "logins.json") throws {
        try logIn([host], user, password, in: file)
    }

    func logIn(_ hosts: [String], _ user: String, _ password: String, in file: String = "logins.json") throws {
        let auth = Base64.encode("\(user):\(password)")
        secrets.formUnion([password, auth])
        let entries = hosts.map { #""\#($0)":{"auth":"\#(auth)"}"# }
        try write(file, #"{"auths":{\#(entries.joined(separator: ","))}}"#)
    }

    /// An authority for one registry, in certs.d.
    func trust(_ host: String, _ caFile: String) throws {
        try write(".config/containers/certs.d/\(host)/ca.crt", String(decoding: try readFile(caFile), as: UTF8.self))
    }

    func registries(_ text: String) throws { try write(".config/containers/registries.conf", text) }

    /// Runs the command; whatever it prints has no secret in it.
    func kitfs(_ arguments: String..., timeout: Double = 60) throws -> (code: Int32, output: String) {
        try kitfs(arguments, timeout: timeout)
    }

    func kitfs(_ arguments: [String], timeout: Double = 60) throws -> (code: Int32, output: String) {
        let result = try Command.run(Workbench.executable, arguments, environment: bench.environment, timeout: timeout)
        let output = result.output + result.errorOutput
        expectNoSecret(output, "kitfs \(arguments.joined(separator: " "))")
        return (result.exitCode, output)
    }

    /// A mount that logs all there is to log.
    func mount(_ reference: String, _ options: String...) throws -> Mount { try mount(reference, options) }

    func mount(_ reference: String, _ options: [String]) throws -> Mount {
        try bench.mount(reference, options + ["--log-level", "debug"])
    }

    /// Neither its log, nor its record, nor its arguments, nor what it stored has a secret in it.
    func unmount(_ mount: Mount) throws {
        let status = try bench.kitfs("status", "--json", mount.path)
        expectNoSecret(status, "status")
        expectNoSecret(try mount.log(), "the log")
        let arguments = try readFile("/proc/\(try mount.process())/cmdline")
        expectNoSecret(String(decoding: arguments, as: UTF8.self), "the command line")
        try mount.unmount()
        for place in [bench.cache, bench.directory.path + "/run"] {
            for secret in secrets {
                let found = try Command.run("grep", ["-rlF", "-e", secret, place])
                #expect(found.exitCode == 1, "a secret is in \(found.output)")
            }
        }
    }

    private func expectNoSecret(_ text: String, _ what: String) {
        for secret in secrets where text.contains(secret) { Issue.record("\(what) shows a secret: \(text)") }
    }
}
