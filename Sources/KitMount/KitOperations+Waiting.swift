// SPDX-License-Identifier: Apache-2.0
internal import FuseSession
internal import KitFileSystem
private import Logging
private import SystemPackage

/// An operation of the kernel's on the tree: how it is tried, and how it is answered.
struct KitOperation<Request: FuseRequest & ~Copyable, Value: Sendable>: Sendable {
    let kind: WaitLedger.Operation
    /// Must not block. What has failed of its needs is given to it.
    let attempt: @Sendable (Failures) -> Attempt<Value>
    /// nil to answer with the error's number.
    var refuse: (@Sendable (consuming Request, FileSystemError) -> Void)?
    /// Called on the thread of the attempt, right after it.
    let reply: @Sendable (consuming Request, Value) -> Void
}

extension KitOperations {
    /// The earlier waits of a request.
    struct History: Sendable {
        var tries = 0
        /// When it began to wait; seconds since 1970.
        var since: Int64?
        var failures: Failures = [:]
    }

    /// An operation needs an index or two, then content. A layer may be evicted in between, but not for ever.
    private static let triesLimit = 50

    /// Tries, and answers. Where something has to come first, holds the request and tries again when it has.
    func answer<Request: FuseRequest & ~Copyable, Value: Sendable>(
        _ request: consuming Request, _ operation: KitOperation<Request, Value>, _ history: History = History()
    ) {
        switch operation.attempt(history.failures) {
        case .done(let value):
            operation.reply(request, value)
        case .failed(let error):
            failureLog.note(error, of: operation.kind)
            if let refuse = operation.refuse { refuse(request, error) } else { request.fail(error.errno) }
        case .needs where history.tries == Self.triesLimit:
            logger.error(
                "\(operation.kind.rawValue): what it waited for came \(history.tries) times and was gone again")
            request.fail(.ioError)
        case .needs(let needs):
            hold(request, operation, needs, history)
        }
    }

    /// Holds a request until its needs are met. It occupies no thread and no memory for its answer.
    private func hold<Request: FuseRequest & ~Copyable, Value: Sendable>(
        _ request: consuming Request, _ operation: KitOperation<Request, Value>, _ needs: [Need], _ history: History
    ) {
        let wait = Wait()
        let entry = waits.begin(operation.kind, needs, caller: request.handle.caller, since: history.since)
        let held = Held(request) { [weak wait] in wait?.interrupt() }
        let number = operation.kind == .read ? heldReads.number() : nil
        if let number { heldReads.add(number) { [weak wait] in wait?.giveUp() } }
        wait.begin(needs, after: history.failures) { [tree] need, met in
            tree.require(need, met)
        } onEnd: { [self] end in
            if let number { heldReads.remove(number) }
            waits.end(entry)
            guard let request = held.take() else { return }
            switch end {
            case .met(let failures):
                answer(
                    request, operation, History(tries: history.tries + 1, since: entry.since, failures: failures))
            case .interrupted: request.fail(.interrupted)
            case .givenUp: request.fail(.ioError)
            }
        }
    }
}
