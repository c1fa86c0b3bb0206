// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
internal import Logging

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
