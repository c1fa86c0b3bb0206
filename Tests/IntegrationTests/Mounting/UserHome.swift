// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A user's settings for registries, below a home of the test's own.
final class UserHome {
    let bench: CommandFixture
    let path: String
    /// An auth file that is not at a default path.
    var authFile: String { path + "/logins.json" }

    init() throws {
        bench = try CommandFixture()
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

    /// Adds a `docker-credential-NAME` program. It writes its command line to the logs.
    func addHelper(_ name: String, _ script: String) throws {
        let path = "bin/docker-credential-\(name)"
        let log = "\(bench.logs)/helpers.log"
        try write(path, "#!/bin/sh\ntr '\\0' ' ' </proc/$$/cmdline >>\(log); echo >>\(log)\n\(script)\n")
        guard chmod("\(self.path)/\(path)", 0o755) == 0 else { throw TestSupportError("chmod \(path)") }
    }

    /// Writes an auth file as `docker login` does: ``authFile``, or another.
    func logIn(_ host: String, _ user: String, _ password: String, in file: String = "logins.json") throws {
        try logIn([host], user, password, in: file)
    }

    func logIn(_ hosts: [String], _ user: String, _ password: String, in file: String = "logins.json") throws {
        Secrets.add(password, of: user)
        let auth = Base64.encode("\(user):\(password)")
        let entries = hosts.map { #""\#($0)":{"auth":"\#(auth)"}"# }
        try write(file, #"{"auths":{\#(entries.joined(separator: ","))}}"#)
    }

    /// Adds an authority for one registry to certs.d.
    func trust(_ host: String, _ caFile: String) throws {
        try write(".config/containers/certs.d/\(host)/ca.crt", String(decoding: try readFile(caFile), as: UTF8.self))
    }

    func registries(_ text: String) throws { try write(".config/containers/registries.conf", text) }

    /// Runs the command.
    func kitfs(_ arguments: String..., timeout: Double = 60) throws -> (code: Int32, output: String) {
        try kitfs(arguments, timeout: timeout)
    }

    func kitfs(_ arguments: [String], timeout: Double = 60) throws -> (code: Int32, output: String) {
        let result = try bench.run(arguments, timeout: timeout)
        return (result.exitCode, result.output + result.errorOutput)
    }

    func mount(_ reference: String, _ options: String...) throws -> Mount { try bench.mount(reference, options) }
    func mount(_ reference: String, _ options: [String]) throws -> Mount { try bench.mount(reference, options) }

    /// Unmounts, and checks that the record, the arguments and the cache have no secret. ``CommandFixture`` checks the
    /// logs.
    func unmount(_ mount: Mount) throws {
        let arguments = try readFile("/proc/\(try mount.process())/cmdline")
        #expect(Secrets.found(in: arguments) == nil, "the command line")
        #expect(try Secrets.found(below: bench.cache, bench.directory.path + "/run", "/run/kitfs") == [])
        try mount.unmount()
        #expect(try Secrets.found(below: bench.cache) == [])
    }
}
