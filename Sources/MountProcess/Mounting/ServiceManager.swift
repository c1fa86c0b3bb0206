// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc
internal import Logging

/// What systemd is told of a mount that it runs as a service with `Type=notify`. See sd_notify(3).
enum ServiceManager {
    /// The socket's address.
    private static let address: [UInt8]? = Environment.nonEmpty("NOTIFY_SOCKET").map { name in
        // An abstract one is written with an @ for its zero byte.
        name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
    }

    static var listens: Bool { address != nil }

    /// A line for each: `READY=1`, `STATUS=…`. Where nobody listens, nothing.
    static func notify(_ lines: String...) {
        guard let address else { return }
        let text = lines.joined(separator: "\n")
        let name = address.map { CChar(bitPattern: $0) }
        _ = clinux_send_datagram(name, name.count, text, text.utf8.count)
    }
}

/// The system's log, where it reads our stderr. See "$JOURNAL_STREAM" in systemd.exec(5).
enum Journal {
    static let readsErrors: Bool = {
        guard let stream = Environment.nonEmpty("JOURNAL_STREAM") else { return false }
        var status = stat()
        return fstat(STDERR_FILENO, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
    }()

    /// What a line starts with to have a priority. See sd-daemon(3).
    static func prefix(_ level: Logger.Level) -> String {
        switch level {
        case .critical: "<2>"
        case .error: "<3>"
        case .warning: "<4>"
        case .notice: "<5>"
        case .info: "<6>"
        case .debug, .trace: "<7>"
        }
    }
}
