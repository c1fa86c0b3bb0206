// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import FoundationEssentials
private import Glibc
internal import Logging
private import Synchronization

/// Logs a line for each message: time, level, the reference where one is set, text. Where the journal reads, which knows
/// the time, it is told the level in its own way.
struct LineLogHandler: LogHandler {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json
    }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: Format
    private let sink: LogSink

    init(level: Logger.Level, format: Format, sink: LogSink) {
        logLevel = level
        self.format = format
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// What `--log-format json` writes.
    private struct Line: Encodable {
        let time: String
        let level: String
        let reference: String?
        let message: String
    }

    func log(event: LogEvent) {
        let reference = metadata["reference"].map { "\($0)" }
        let priority = sink.isJournal ? Journal.prefix(event.level) : ""
        switch format {
        case .text:
            let start = sink.isJournal ? "" : "\(Self.time()) \(event.level) "
            sink.write("\(priority)\(start)\(reference.map { "\($0): " } ?? "")\(event.message)")
        case .json:
            sink.write(priority + Self.object(event.level, reference, "\(event.message)"))
        }
    }

    /// A line of JSON.
    static func object(_ level: Logger.Level, _ reference: String?, _ message: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(time: time(), level: "\(level)", reference: reference, message: message)
        // Strings always encode.
        return (try? encoder.encode(line)).map { String(decoding: $0, as: UTF8.self) } ?? ""
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

    var isJournal: Bool { state.withLock { $0.descriptor } == STDERR_FILENO && Journal.readsErrors }

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
