// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI

/// A client's connection to a ``LittleServer``, for reading the request and writing the answer.
public struct ServedConnection: Sendable {
    let socket: Int32

    /// The request; nil if it is not HTTP, such as TLS.
    func request() -> ServedRequest? {
        guard let head = Self.head(socket) else {
            send(status: 400, body: "no HTTP")
            return nil
        }
        let lines = head.split(separator: "\r\n")
        let first = lines[0].split(separator: " ")
        guard first.count == 3 else { return nil }
        let headers = Self.fields(lines.dropFirst())
        guard let body = headers["transfer-encoding"] == "chunked" ? chunked() : bytes(headers["content-length"]) else {
            return nil
        }
        return ServedRequest(
            method: String(first[0]), target: String(first[1]), headers: headers,
            body: String(decoding: body, as: UTF8.self))
    }

    public func send(status: Int, headers: [String: String] = [:], body: String = "") {
        let all = headers.merging(["Content-Length": "\(body.utf8.count)", "Connection": "close"]) { first, _ in first }
        let lines = all.map { "\($0.key): \($0.value)\r\n" }.sorted().joined()
        _ = write(Array("HTTP/1.1 \(status) Test\r\n\(lines)\r\n\(body)".utf8)[...])
    }

    /// Forwards a GET, without its authorization, to a server on 127.0.0.1, and the answer back, at `bytesPerSecond` at
    /// most. `target` replaces the requested one, and `change` may change pieces of the body.
    public func forward(
        _ request: ServedRequest, to port: UInt16, as target: String? = nil, bytesPerSecond: Int? = nil,
        change: (inout [UInt8]) -> Void = { _ in }
    ) {
        // The client gets the status of a gateway that cannot reach its server.
        guard let upstream = try? LoopbackSocket.connect(port: port) else { return send(status: 502) }
        defer { close(upstream) }
        LoopbackSocket.setTimeout(upstream, seconds: 10)
        let kept = ["host", "accept", "range"].compactMap { name in request.headers[name].map { "\(name): \($0)\r\n" } }
        let text = "\(request.method) \(target ?? request.target) HTTP/1.1\r\n\(kept.joined())Connection: close\r\n\r\n"
        guard ServedConnection(socket: upstream).write(Array(text.utf8)[...]), let head = Self.head(upstream),
            write(Array((head + "\r\n\r\n").utf8)[...])
        else { return }
        // A tenth of a second's bytes at a time.
        var piece = [UInt8](repeating: 0, count: max(1, bytesPerSecond.map { $0 / 10 } ?? 1 << 16))
        while true {
            let count = recv(upstream, &piece, piece.count, 0)
            guard count > 0 else { return }
            var bytes = Array(piece[0..<count])
            change(&bytes)
            guard write(bytes[...]) else { return }
            if let bytesPerSecond { usleep(UInt32(1_000_000 * count / bytesPerSecond)) }
        }
    }

    private func bytes(_ count: String?) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: min(count.flatMap { Int($0) } ?? 0, 1 << 16))
        if bytes.isEmpty { return [] }
        return recv(socket, &bytes, bytes.count, Int32(MSG_WAITALL)) == bytes.count ? bytes : nil
    }

    /// The body of a chunked request, as Go sends a form. Spec: RFC 9112, section 7.1.
    private func chunked() -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            var line: [UInt8] = []
            while line.last != 10 {
                guard line.count < 20, let byte = bytes("1") else { return nil }
                line += byte
            }
            let text = String(decoding: line.dropLast(2), as: UTF8.self)
            guard let count = Int(text, radix: 16), let chunk = bytes("\(count)"), bytes("2") != nil else { return nil }
            body += chunk
            if count == 0 { return body }
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The header, up to the empty line.
    static func head(_ socket: Int32) -> String? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard head.count < 1 << 16, recv(socket, &byte, 1, 0) == 1 else { return nil }
            // Both a method and a status line begin with a capital letter.
            guard !head.isEmpty || byte.isUppercaseLetter else { return nil }
            head.append(byte)
        }
        return String(decoding: head.dropLast(4), as: UTF8.self)
    }

    static func fields(_ lines: ArraySlice<Substring>) -> [String: String] {
        let pairs = lines.compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        return Dictionary(pairs, uniquingKeysWith: { "\($0), \($1)" })
    }
}
