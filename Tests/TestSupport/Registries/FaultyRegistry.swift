// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A registry with the faults of real servers and of the caches in front of them. It forwards to a real registry and
/// changes its answers to GETs of one blob. ``FaultProxy`` has the faults below HTTP.
public final class FaultyRegistry: Sendable {
    /// A fault of a body.
    public enum Body: Sendable {
        /// The body is that many bytes longer than requested, and so is its stated length.
        case longer(Int)
        /// The connection ends after that many bytes, fewer than the stated length.
        case broken(after: Int)
        /// The body has only that many bytes, and so has its stated length.
        case shorter(Int)
    }

    /// The behaviour of servers that support only one range.
    public enum SeveralParts: Sendable, CaseIterable {
        /// They send the whole blob, as S3 and Azure do.
        case whole
        /// They send the first range.
        case first
        /// They answer 416, as OSS does.
        case refused
    }

    public struct Faults: Sendable {
        /// The first answers, one for each request.
        public var refusals: [(status: Int, headers: [String: String])] = []
        /// Whether a request for a part is answered with the whole blob.
        public var ignoresRange = false
        /// Whether a part comes with status 200 and without a length, so that only `Content-Range` identifies it.
        public var mislabelsParts = false
        /// The answer to a request for several parts; nil for the correct one.
        public var severalParts: SeveralParts?
        public var body: Body?
        /// The number of answers that have the fault `body`. Later ones are correct.
        public var bodies = Int.max
        /// The offset in the blob of a byte whose bits are inverted.
        public var wrongByte: Int?
        /// The delay before each answer, in seconds.
        public var delay = 0.0

        public init() {}
    }

    private struct State {
        var faults = Faults()
        var moved = 0
    }

    private final class Shared: Sendable { let state = Mutex(State()) }

    private let shared = Shared()
    private let server: LittleServer

    public init(of registry: DockerRegistry, blob hex: String) throws {
        server = try LittleServer { [shared, port = registry.port] request, connection in
            guard request.method == "GET", request.path.hasSuffix("/blobs/sha256:\(hex)") else {
                return connection.forward(request, to: port)
            }
            let faults = shared.state.withLock { state in
                var faults = state.faults
                if !faults.refusals.isEmpty {
                    state.faults.refusals.removeFirst()
                } else if faults.bodies > 0 {
                    state.faults.bodies -= 1
                } else {
                    faults.body = nil
                }
                return faults
            }
            Self.answer(request, connection, faults, port) { count in shared.state.withLock { $0.moved += count } }
        }
    }

    /// `127.0.0.1:PORT`
    public var host: String { server.host }

    /// The faults of requests from now on.
    public var faults: Faults {
        get { shared.state.withLock { $0.faults } }
        set { shared.state.withLock { $0.faults = newValue } }
    }

    /// Bytes of the blob, over all answers, that the clients' kernels have accepted.
    public var moved: Int { shared.state.withLock { $0.moved } }

    private static func answer(
        _ request: ServedRequest, _ connection: ServedConnection, _ faults: Faults, _ port: UInt16,
        moved: (Int) -> Void
    ) {
        if faults.delay > 0 { usleep(UInt32(faults.delay * 1_000_000)) }
        if let refusal = faults.refusals.first {
            return connection.send(status: refusal.status, headers: refusal.headers, body: "not now")
        }
        var request = request
        if faults.ignoresRange { request.headers["range"] = nil }
        if let range = request.headers["range"], let comma = range.firstIndex(of: ",") {
            switch faults.severalParts {
            case .whole: request.headers["range"] = nil
            case .first: request.headers["range"] = String(range[..<comma])
            case .refused: return connection.send(status: 416)
            case nil: break
            }
        }
        connection.relay(request, to: port, faults, moved: moved)
    }
}

extension ServedConnection {
    /// Forwards a GET, and returns its answer with the faults.
    func relay(_ request: ServedRequest, to port: UInt16, _ faults: FaultyRegistry.Faults, moved: (Int) -> Void) {
        // The client gets the status of a gateway that cannot reach its server.
        guard let upstream = try? LoopbackSocket.connect(port: port) else { return send(status: 502) }
        defer { close(upstream) }
        LoopbackSocket.setTimeout(upstream, seconds: 10)
        let range = request.headers["range"].map { "Range: \($0)\r\n" } ?? ""
        let text = "GET \(request.target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(range)Connection: close\r\n\r\n"
        guard ServedConnection(socket: upstream).write(Array(text.utf8)[...]), let head = Self.head(upstream) else {
            return
        }
        let lines = head.split(separator: "\r\n")
        var fields = Self.fields(lines.dropFirst())
        let length = fields["content-length"].flatMap { Int($0) } ?? 0
        // `bytes FIRST-LAST/SIZE`
        let start = fields["content-range"].flatMap { Int($0.dropFirst(6).prefix { $0.isNumber }) } ?? 0
        var limit = length
        var surplus = 0
        switch faults.body {
        case nil: break
        case .longer(let count): surplus = count
        case .broken(let count): limit = min(limit, count)
        case .shorter(let count):
            limit = min(limit, count)
            fields["content-length"] = "\(limit)"
        }
        if surplus > 0 { fields["content-length"] = "\(length + surplus)" }
        var status = lines[0]
        if faults.mislabelsParts, fields["content-range"] != nil {
            status = "HTTP/1.1 200 OK"
            fields["content-length"] = nil
        }
        let header = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        guard write(Array("\(status)\r\n\(header)\r\n".utf8)[...]) else { return }
        var position = 0
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while position < limit {
            let count = recv(upstream, &piece, min(piece.count, limit - position), 0)
            guard count > 0 else { return }
            if let wrong = faults.wrongByte, (start + position..<start + position + count).contains(wrong) {
                piece[wrong - start - position] = ~piece[wrong - start - position]
            }
            guard write(piece[0..<count]) else { return }
            position += count
            moved(count)
        }
        if surplus > 0, write([UInt8](repeating: 0x5a, count: surplus)[...]) { moved(surplus) }
    }
}
