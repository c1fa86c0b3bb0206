// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import Synchronization

@testable import Registry
@testable import TestSupport

/// A server on 127.0.0.1 that gives prepared answers, one for each connection, and repeats the last one.
final class CannedServer: Sendable {
    let port: UInt16
    private let stopping = Atomic(false)
    private let heads = Mutex<[String]>([])
    private let thread = Mutex<JoinableThread?>(nil)

    /// - Parameter answers: status line, headers and body as they go over the wire.
    init(_ answers: [String]) throws {
        port = try freePort()
        let listener = try LoopbackSocket.listen(port: port)
        let made = try JoinableThread { [self] in
            while !stopping.load(ordering: .relaxed) {
                var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                // A connection that fails before it is accepted is none.
                guard poll(&polled, 1, 10) > 0, let client = try? GlibcExtensions.accept(listener) else { continue }
                let number = heads.withLock(\.count)
                serve(client, answers[min(number, answers.count - 1)])
            }
            close(listener)
        }
        thread.withLock { $0 = made }
    }

    deinit { stop() }

    func stop() {
        stopping.store(true, ordering: .relaxed)
        thread.withLock { $0 }?.join()
    }

    var host: String { "127.0.0.1:\(port)" }
    /// The headers of the requests so far, each with its request line.
    var requests: [String] { heads.withLock { $0 } }

    func source(timeout: Int = 3, environment: [String: String] = [:]) throws -> any ArtifactSource {
        var settings = SourceSettings(environment: environment)
        settings.plainHTTP = true
        settings.timeout = timeout
        return try settings.source(for: Reference(parsing: "\(host)/team/kit:v1"))
    }

    private func serve(_ client: Int32, _ answer: String) {
        defer { close(client) }
        LoopbackSocket.setTimeout(client, seconds: 5)
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(client, &byte, 1, 0) == 1 else { return }
            head.append(byte)
        }
        heads.withLock { $0.append(String(decoding: head, as: UTF8.self)) }
        // The client may have closed the connection, as after a refusal.
        try? writeAll(client, Array(answer.utf8))
    }
}
