// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// A client as such: what it needs, and what it keeps between requests.
@Suite struct HTTPClientTests {
    @Test func itCannotBeSetUp() {
        let client = HTTPClient(HTTPSettings(), setUpFailure: "Out of memory")
        do {
            _ = try client.perform(HTTPRequest(url: .example()), cancellation: Cancellation()) { _, _ in }
            Issue.record("a request was made")
        } catch HTTPFailure.settings(let text) {
            #expect(text == "libcurl cannot be set up: Out of memory")
        } catch {
            Issue.record("\(error)")
        }
    }

    /// A listing asks for hundreds at a time; a mount that does nothing keeps no hundred connections.
    @Test func fewConnectionsAreKept() throws {
        let filled = try FilledRegistry()
        let client = HTTPClient(HTTPSettings())
        let url = try #require(HTTPURL("http://\(filled.registry.host)/v2/"))
        for _ in 0..<2 {
            let threads = try (0..<60).map { _ in
                try Later(seconds: 0) {
                    for _ in 0..<5 {
                        _ = try? client.perform(HTTPRequest(url: url), cancellation: Cancellation()) { _, _ in }
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect((1...8).contains(client.idleHandles), "\(client.idleHandles)")
        }
    }
}
