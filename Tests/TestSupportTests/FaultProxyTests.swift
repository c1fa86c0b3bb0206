// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import TestSupport

@Suite final class FaultProxyTests {
    private let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 256 &+ $0) }
    private let server: ByteServer
    private let proxy: FaultProxy
    private var answer: [UInt8] { Array("ping".utf8) + payload }

    init() throws {
        server = try ByteServer(payload: payload)
        proxy = try FaultProxy(upstreamPort: server.port)
    }

    deinit {
        proxy.stop()
        server.stop()
    }

    @Test func bytesPassBothWaysAndAreCounted() throws {
        for round in 1...3 {
            let got = try Download(port: proxy.port)
            #expect(got.bytes == answer && got.error == 0)
            #expect(proxy.connections == round)
            #expect(proxy.downstreamBytes == round * answer.count)
        }
    }

    @Test func throttlingTakesItsTime() throws {
        proxy.bytesPerSecond = 300_000
        let got = try Download(port: proxy.port)
        #expect(got.bytes == answer)
        #expect(got.seconds > 0.9, "\(got.seconds) s for 300 kB at 300 kB/s")
    }

    @Test func theRateIsThatOfAllConnections() throws {
        proxy.bytesPerSecond = 600_000
        let start = monotonicSeconds()
        let port = proxy.port
        let threads = try (0..<2).map { _ in try JoinableThread { _ = try? Download(port: port) } }
        for thread in threads { thread.join() }
        let seconds = monotonicSeconds() - start
        #expect(seconds > 0.9, "\(seconds) s for 2 x 300 kB at 600 kB/s")
    }

    @Test func throttlingIsSmooth() throws {
        proxy.bytesPerSecond = 100_000
        let port = proxy.port
        let thread = try JoinableThread { _ = try? Download(port: port) }
        var samples: [Int] = []
        for _ in 0..<10 {
            usleep(100_000)
            samples.append(proxy.downstreamBytes)
        }
        proxy.bytesPerSecond = nil
        thread.join()
        let steps = zip(samples.dropFirst(), samples).map { $0 - $1 }
        // On a busy machine nothing may come for a while, but the bytes that follow must not come all at once.
        #expect(steps.allSatisfy { $0 <= 30_000 }, "\(steps) bytes each 100 ms at 100 kB/s")
        #expect(steps.count { $0 > 0 } > 3, "\(steps) bytes each 100 ms at 100 kB/s")
    }

    @Test func cuttingResetsAfterExactlySoManyBytes() throws {
        proxy.cutAfter = 100_001
        let got = try Download(port: proxy.port)
        #expect(got.bytes == Array(answer.prefix(100_001)))
        #expect(got.error == ECONNRESET)
        proxy.cutAfter = nil
        #expect(try Download(port: proxy.port).bytes == answer)
    }

    @Test func stallingHoldsBytesBackUntilUnset() throws {
        proxy.stalled = true
        let silent = try Download(port: proxy.port, limit: 1)
        #expect(silent.bytes.isEmpty && silent.error == EAGAIN)
        #expect(proxy.downstreamBytes == 0)

        let port = proxy.port
        let count = Atomic(-1)
        let thread = try JoinableThread {
            count.store((try? Download(port: port))?.bytes.count ?? -2, ordering: .relaxed)
        }
        usleep(200_000)
        #expect(count.load(ordering: .relaxed) == -1)
        proxy.stalled = false
        thread.join()
        #expect(count.load(ordering: .relaxed) == answer.count)
    }

    @Test func refusingClosesAtOnce() throws {
        proxy.refusing = true
        let got = try Download(port: proxy.port)
        #expect(got.bytes.isEmpty && got.seconds < 2)
        #expect(proxy.connections == 1)
        proxy.refusing = false
        #expect(try Download(port: proxy.port).bytes == answer)
    }

    @Test func stoppingEndsStalledConnections() throws {
        proxy.stalled = true
        let port = proxy.port
        let thread = try JoinableThread { _ = try? Download(port: port) }
        try eventually(within: 5, "the connection") { proxy.openConnections == 1 }
        proxy.stop()
        #expect(proxy.openConnections == 0)
        thread.join()
        #expect(throws: TestSupportError.self) { try LoopbackSocket.connect(port: port) }
    }

    @Test func droppingStops() throws {
        var dropped: FaultProxy? = try FaultProxy(upstreamPort: server.port)
        let port = try #require(dropped?.port)
        #expect(try Download(port: port).bytes == answer)
        dropped = nil
        #expect(throws: TestSupportError.self) { try LoopbackSocket.connect(port: port) }
    }
}
