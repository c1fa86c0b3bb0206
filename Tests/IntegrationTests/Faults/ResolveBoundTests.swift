// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Users wait at the prompt for a manifest and a config. However long `--timeout` is, resolving takes only seconds.
@Suite struct ResolveBoundTests {
    private let home: UserHome
    private let registry: DockerRegistry

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
    }

    enum Silent: String, CaseIterable { case manifests, blobs, token }

    @Test(arguments: Silent.allCases) func aRegistryThatSaysNothing(_ silent: Silent) throws {
        let port = registry.port
        let server = try LittleServer { request, connection in
            if request.path.contains("/\(silent)") {
                sleep(12)
            } else if silent == .token {
                let realm = "http://\(request.headers["host"] ?? "")/token"
                connection.send(status: 401, headers: ["WWW-Authenticate": #"Bearer realm="\#(realm)""#])
            } else {
                connection.forward(request, to: port)
            }
        }
        let start = monotonicSeconds()
        let (code, output) = try home.kitfs("inspect", "\(server.host)/team/kit:v1", "--timeout", "120")
        #expect(code == 5 && output.contains("given up after 6 s"), "\(output)")
        #expect((5...9).contains(monotonicSeconds() - start))
        #expect(server.requests.contains { $0.path.contains("/\(silent)") })
    }
}
