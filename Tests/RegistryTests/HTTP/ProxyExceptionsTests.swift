// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Registry

@Suite struct ProxyExceptionsTests {
    @Test(arguments: [
        ([:], ""), (["no_proxy": ""], ""), (["no_proxy": "a.io, .b.io"], ",a.io,.b.io"),
        (["NO_PROXY": "c.io", "no_proxy": "a.io"], ",c.io"), (["NO_PROXY": "", "no_proxy": "a.io"], ",a.io"),
        (["no_proxy": "*.a.io,10.0.0.0/8"], ",a.io,10.0.0.0/8"),
    ]) func list(_ environment: [String: String], _ expected: String) {
        #expect(ProxyExceptions.list(environment: environment) == "localhost,127.0.0.0/8,::1" + expected)
    }

    @Test func all() { #expect(ProxyExceptions.list(environment: ["no_proxy": "a.io,*"]) == "*") }
}
