// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct WaitingTests {
    @Test func eventuallyReturnsWhenTheConditionHolds() throws {
        var asked = 0
        try eventually(within: 5, "three questions") {
            asked += 1
            return asked == 3
        }
        #expect(asked == 3)
    }

    @Test func eventuallyNamesWhatDidNotHappen() throws {
        let error = try #require(throws: TestSupportError.self) {
            try eventually(within: 0.05, "pigs fly") { false }
        }
        #expect(error.description.contains("pigs fly"))
    }

    @Test func freePortsAreFreeAndDifferent() throws {
        let ports = try (0..<50).map { _ in try freePort() }
        #expect(Set(ports).count == 50)
        let listener = try LoopbackSocket.listen(port: ports[0])
        defer { close(listener) }
        #expect(throws: TestSupportError.self) { try LoopbackSocket.listen(port: ports[0]) }
    }

    /// Suites run in several processes at a time.
    @Test func portsOfThisProcessAreClaimed() throws {
        let block = try freePort() / 100 * 100
        let names = try Command.check("grep", ["-a", "kitfs test ports", "/proc/net/unix"]).output
        #expect(names.contains("@kitfs test ports \(block)"), "\(names)")
    }

    @Test func digestsAgreeWithTheSystem() throws {
        for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000_003] {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
            let expected = try Command.check("sha256sum", [], input: bytes).output.prefix(64)
            #expect(Sha256.hex(bytes) == expected)
            var pieces = Sha256()
            for start in stride(from: 0, to: length, by: 1_000) {
                pieces.update(bytes[start..<min(start + 1_000, length)])
            }
            #expect(pieces.finish() == expected)
        }
    }
}
