// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@Suite struct DelayProxyTests {
    @Test func bytesTakeTheirTimeAndStayTheSame() throws {
        let body = String(repeating: "0123456789", count: 20_000)
        let server = try LittleServer { _, connection in connection.send(status: 200, body: body) }
        let proxy = try DelayProxy(upstreamPort: server.port, roundTrip: 0.1, bytesPerSecond: 1_000_000)
        defer { proxy.stop() }
        let begin = monotonicSeconds()
        let answer = try Command.check("curl", ["-sSf", "http://\(proxy.host)/"])
        #expect(answer.output == body)
        // Two round trips, and 200 kB at 1 MB/s.
        #expect(monotonicSeconds() - begin >= 0.4)
    }

    @Test func aServerThatIsGoneEndsTheConnection() throws {
        let server = try LittleServer { _, _ in }
        let proxy = try DelayProxy(upstreamPort: server.port, roundTrip: 0.001)
        defer { proxy.stop() }
        #expect(try Command.run("curl", ["-sS", "http://\(proxy.host)/"], timeout: 10).exitCode == 52)
    }
}
