// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

extension DockerRegistry {
    /// The prefix of requests that this class sends, to see that the registry answers and how far its log is. They are
    /// not listed.
    private static let sentinelPrefix = "/v2/?sentinel="

    /// The requests answered since the start or ``resetRequests()``, in the order in which their answers ended.
    ///
    /// The registry logs a request only after it has ended. So this sends a request of its own, waits up to 5 s until
    /// it is logged, and then until no new lines come for 60 ms. A request in progress is not listed.
    public func requests() throws -> [RegistryRequest] {
        let log = try flushedLog()
        let start = state.withLock { $0.logStart }
        return Self.parse(log.dropFirst(start)).filter { !$0.uri.hasPrefix(Self.sentinelPrefix) }
    }

    /// Leaves the requests so far out of later ``requests()``.
    public func resetRequests() throws {
        let end = try flushedLog().count
        state.withLock { $0.logStart = end }
    }

    /// Bytes sent in answer to GETs of one blob, ranges and failed transfers included;
    /// see ``RegistryRequest/bytesWritten``.
    public func bytesMoved(blob hex: String) throws -> Int {
        try requests().filter { $0.blobHex == hex }.reduce(0) { $0 + $1.bytesWritten }
    }

    /// As ``bytesMoved(blob:)``, for all blobs together. Manifests do not count.
    public func totalBlobBytes() throws -> Int {
        try requests().filter { $0.blobHex != nil }.reduce(0) { $0 + $1.bytesWritten }
    }

    /// Whether the registry answers a request. Any status counts, since it may require a password.
    func answersSentinel() throws -> Bool {
        try get(nextSentinel()).hasPrefix("HTTP/1.")
    }

    /// The access log's bytes. A stopped registry writes no more lines.
    private func flushedLog() throws -> [UInt8] {
        if isRunning {
            let sentinel = nextSentinel()
            _ = try get(sentinel)
            try eventually(within: 5, "the registry logs \(sentinel)") {
                // Only the end of a long log is read, since few lines can have come after the sentinel's.
                Self.parse(try readFile(accessLog).suffix(1 << 16)).contains { $0.uri == sentinel }
            }
        }
        // Requests that ended at the same time may be logged later, on a busy machine much later.
        var log = try readFile(accessLog)
        while isRunning {
            usleep(60_000)
            let later = try readFile(accessLog)
            if later.count == log.count { break }
            log = later
        }
        return log
    }

    private static func parse(_ log: ArraySlice<UInt8>) -> [RegistryRequest] {
        log.split(separator: UInt8(ascii: "\n")).compactMap {
            RegistryRequest(logLine: String(decoding: $0, as: UTF8.self))
        }
    }

    private func nextSentinel() -> String {
        state.withLock { state in
            state.sentinels += 1
            return Self.sentinelPrefix + "\(state.sentinels)"
        }
    }

    /// The whole answer with its header, as text.
    private func get(_ uri: String) throws -> String {
        let request = Array("GET \(uri) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
        if let caFile {
            // With -quiet, s_client does not exit at the end of its input.
            let arguments = ["s_client", "-quiet", "-connect", host, "-CAfile", caFile, "-verify_return_error"]
            return try Command.check("openssl", arguments, input: request, timeout: 10).output
        }
        let socket = try LoopbackSocket.connect(port: port)
        defer { close(socket) }
        LoopbackSocket.setTimeout(socket, seconds: 5)
        var sent = 0
        while sent < request.count {
            sent += try request.withUnsafeBytes { buffer in
                try systemCall("send to the registry") {
                    send(socket, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
                }
            }
        }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try systemCall("receive from the registry") { recv(socket, &piece, piece.count, 0) }
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            answer += piece[0..<count]
        }
    }
}
