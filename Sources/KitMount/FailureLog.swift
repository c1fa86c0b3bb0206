// SPDX-License-Identifier: Apache-2.0
internal import KitFileSystem
internal import LayerCache
internal import LayerStore
internal import Logging
private import Synchronization

/// Logs failures of operations that nobody has logged: of a read, what the cache's disk says. The store logs why a fetch
/// fails, and the tree why a layer is unusable.
final class FailureLog: Sendable {
    /// The kernel tries a failed page of a mapping again and again: the same failure is logged once in this time.
    private static let interval = Duration.seconds(60)
    /// Failures that are remembered; more are logged each time.
    private static let limit = 1000

    private let logger: Logger
    private let logged = Mutex<[String: ContinuousClock.Instant]>([:])

    init(_ logger: Logger) { self.logger = logger }

    func note(_ error: FileSystemError, of operation: WaitLedger.Operation, now: ContinuousClock.Instant = .now) {
        guard case .layer(_, .cache) = error else { return }
        let text = "\(operation.rawValue): \(error)"
        let isNew = logged.withLock { logged in
            if let last = logged[text], now - last < Self.interval { return false }
            if logged.count >= Self.limit { logged = logged.filter { now - $0.value < Self.interval } }
            if logged.count < Self.limit { logged[text] = now }
            return true
        }
        if isNew { logger.error("\(text)") }
    }
}
