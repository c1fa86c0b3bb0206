// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc
private import MountRecords

/// Messages between `kitfs run` and the process that becomes its command, over a SOCK_SEQPACKET socket.
struct RunChannel {
    enum Message: Equatable {
        /// To the child: mount privately on this directory.
        case mount(String)
        /// From it: done; the device comes with it.
        case mounted
        /// From it: no namespace or no mount in one can be made, and why.
        case refused(String)
        /// To it: become the command. Mounted on this directory.
        case go(String)
    }

    let descriptor: Int32

    /// A pair of sockets, closed on exec.
    static func pair() throws -> (ours: RunChannel, childs: RunChannel) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw CommandFailure(.failed, "cannot make a socket pair: \(String(cString: strerror(errno)))")
        }
        return (RunChannel(descriptor: ends[0]), RunChannel(descriptor: ends[1]))
    }

    /// Returns false if the other side is gone. A message has at most 8 KiB: a path or a reason.
    func send(_ message: Message, device: Int32? = nil) -> Bool {
        let (kind, text): (Character, String) =
            switch message {
            case .mount(let directory): ("M", directory)
            case .mounted: ("m", "")
            case .refused(let reason): ("r", reason)
            case .go(let directory): ("G", directory)
            }
        let bytes = Array("\(kind)\(text)".utf8)
        return clinux_send(descriptor, bytes, bytes.count, device ?? -1) == bytes.count
    }

    /// nil if the other side is gone.
    func receive() -> (message: Message, device: Int32?)? {
        var bytes = [UInt8](repeating: 0, count: 8192)
        var device: Int32 = -1
        var count = 0
        repeat { count = clinux_receive(descriptor, &bytes, bytes.count, &device) } while count < 0 && errno == EINTR
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[1..<count], as: UTF8.self)
        let message: Message? =
            switch bytes[0] {
            case UInt8(ascii: "M"): .mount(text)
            case UInt8(ascii: "m"): .mounted
            case UInt8(ascii: "r"): .refused(text)
            case UInt8(ascii: "G"): .go(text)
            default: nil
            }
        return message.map { ($0, device >= 0 ? device : nil) }
    }
}
