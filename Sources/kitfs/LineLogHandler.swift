// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import Logging
private import Synchronization

/// Logs a line for each message: time, level, the reference where one is set, text.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let sink: LogSink

    init(level: Logger.Level, sink: LogSink) {
        logLevel = level
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let subject = metadata["reference"].map { "\($0): " } ?? ""
        sink.write("\(Self.time()) \(event.level) \(subject)\(event.message)")
    }

    /// UTC, RFC 3339.
    static func time() -> String {
        var now = time_t()
        Glibc.time(&now)
        var parts = tm()
        gmtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A descriptor that lines go to: stderr, or a mount's log file. One line is one write, so that lines stay whole.
final class LogSink: Sendable {
    private let state: Mutex<(descriptor: Int32, written: Int)>
    /// A log that reaches this many bytes starts anew: it is to tell of the last days, not to fill /run.
    private static let limit = 4 << 20

    init(_ descriptor: Int32 = STDERR_FILENO) { state = Mutex((descriptor, 0)) }

    func write(_ line: String) {
        let bytes = Array((line.map { $0.isNewline ? " " : $0 } + "\n").utf8)
        state.withLock { state in
            if state.descriptor != STDERR_FILENO {
                state.written += bytes.count
                if state.written > Self.limit {
                    ftruncate(state.descriptor, 0)
                    state.written = bytes.count
                }
            }
            if state.descriptor == STDERR_FILENO {
                return TerminalBlock.errors.print(String(decoding: bytes, as: UTF8.self))
            }
            _ = bytes.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// From now on to a file.
    func redirect(to descriptor: Int32) { state.withLock { $0 = (descriptor, 0) } }
}
