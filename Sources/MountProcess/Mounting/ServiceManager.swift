// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import HostSystem

/// Notifies systemd, for services with `Type=notify`. See sd_notify(3).
enum ServiceManager {
    /// The socket's address.
    private static let address: [UInt8]? = Environment.nonEmpty("NOTIFY_SOCKET").map { name in
        // An abstract socket's name starts with @ in place of the zero byte.
        name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
    }

    static var listens: Bool { address != nil }

    /// Sends lines such as `READY=1` and `STATUS=…`. Does nothing outside of such a service.
    static func notify(_ lines: String...) {
        guard let address else { return }
        let text = lines.joined(separator: "\n")
        let name = address.map { CChar(bitPattern: $0) }
        _ = clinux_send_datagram(name, name.count, text, text.utf8.count)
    }
}
