// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import HostSystem

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
