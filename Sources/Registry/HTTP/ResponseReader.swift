// SPDX-License-Identifier: Apache-2.0

/// Collects content from one or more answers.
protocol ResponseReader {
    /// The next request. `receive` gets the answer to it.
    mutating func request(_ url: HTTPURL) -> HTTPRequest
    /// Takes a piece of the body. Throws `ResponseComplete` to end a transfer that is not needed any more.
    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws
    /// Increases with progress.
    var reached: UInt64 { get }
    /// Whether nothing more is needed, even if the answer breaks off.
    var hasAll: Bool { get }
    /// Whether nothing more is needed after an answer that ended as it should.
    var isComplete: Bool { get }
}

struct ResponseComplete: Error {}
