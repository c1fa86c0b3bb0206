// SPDX-License-Identifier: Apache-2.0
import LayerIndex
import LayerCache
import KitFileSystem
import LayerStore
import Logging
import OCI
import Synchronization
import Testing

@testable import KitMount

/// Failures of operations are logged once, and only those that nobody else logs.
@Suite struct FailureLogTests {
    private let lines = LoggedLines()
    private let log: FailureLog
    private let key: LayerKey
    private let start = ContinuousClock.now

    init() throws {
        let lines = lines
        log = FailureLog(Logger(label: "test") { _ in lines })
        let digest = try #require(Digest("sha256:" + String(repeating: "ab", count: 32)))
        key = LayerKey(digest: digest, form: LayerForm(.tar))
    }

    /// The kernel tries a page of a mapping again and again.
    @Test func theSameFailureIsLoggedOnceAMinute() {
        for second in 0..<60 { log.note(.layer(key, .cache("disk")), of: .read, now: start + .seconds(second)) }
        #expect(lines.all == ["read: disk"])
        log.note(.layer(key, .cache("disk")), of: .read, now: start + .seconds(60))
        #expect(lines.all == ["read: disk", "read: disk"])
    }

    @Test func anotherFailureIsLogged() {
        log.note(.layer(key, .cache("disk")), of: .read, now: start)
        log.note(.layer(key, .cache("disk")), of: .open, now: start)
        log.note(.layer(key, .cache("other")), of: .read, now: start)
        #expect(lines.all == ["read: disk", "open: disk", "read: other"])
    }

    /// The store logs these itself, and what a name's absence is nobody wants to read.
    @Test func whatOthersLogIsNot() {
        let others: [FileSystemError] = [
            .layer(key, .noSpace("full")), .layer(key, .source(.unreachable("gone"))), .notFound(.final), .stale,
            .layer(key, .unmountable(layer: key.digest, reason: "no tar")), .misplaced(key, .root),
        ]
        for error in others { log.note(error, of: .read, now: start) }
        #expect(lines.all == [])
    }
}

/// What was logged, in order.
private final class LoggedLines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    func log(event: LogEvent) { lines.withLock { $0.append("\(event.message)") } }
}
