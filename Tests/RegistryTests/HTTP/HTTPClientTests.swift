// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Initialisation of a client, and the handles that it keeps.
@Suite struct HTTPClientTests {
    @Test func itCannotBeSetUp() {
        let client = HTTPClient(HTTPSettings(), setUpFailure: "Out of memory")
        do {
            _ = try client.perform(HTTPRequest(url: .example()), cancellation: Cancellation()) { _, _ in }
            Issue.record("a request was made")
        } catch HTTPFailure.settings(let text) {
            #expect(text == "libcurl cannot be initialised: Out of memory")
        } catch {
            Issue.record("\(error)")
        }
    }

    /// A listing sends hundreds of requests at once. An idle mount does not keep as many connections.
    @Test func fewConnectionsAreKept() throws {
        let filled = try FilledRegistry()
        let client = HTTPClient(HTTPSettings())
        let url = try #require(HTTPURL("http://\(filled.registry.host)/v2/"))
        for _ in 0..<2 {
            let threads = try (0..<60).map { _ in
                try Later(seconds: 0) {
                    for _ in 0..<5 {
                        // Only the handles matter, however a request ends.
                        _ = try? client.perform(HTTPRequest(url: url), cancellation: Cancellation()) { _, _ in }
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect((1...8).contains(client.idleHandles), "\(client.idleHandles)")
        }
    }
}
