// SPDX-License-Identifier: Apache-2.0
internal import Glibc
private import MountRecords

/// The parent's end of the pipe over which a mount's process reports once whether the mount is usable.
package struct ReadinessPipe {
    /// The variable with the child's descriptor. A process that has it serves in the foreground.
    static let variable = "KITFS_READY_FD"

    let descriptor: Int32
    private let childs: Int32
    private var word: [UInt8] = []

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw CommandFailure(.failed, "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        descriptor = ends[0]
        childs = ends[1]
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Starts the mount's process with the other end.
    func start(_ process: OwnProcess) throws -> pid_t {
        defer { close(childs) }
        var process = process
        process.environment[Self.variable] = "\(childs)"
        return try process.start()
    }

    /// Reads more of the report. Returns true at its end, when the child has closed all that it inherited.
    mutating func read() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { return false }
        if count > 0 { word.append(contentsOf: buffer[0..<count]) }
        if count <= 0 { close(descriptor) }
        return count <= 0
    }

    /// To be called after the end. Throws the failure that was reported.
    func takeWord(of child: pid_t) throws {
        let text = String(decoding: word, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        if text == "ready" { return }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard let space = text.firstIndex(of: " "), let number = Int32(text[..<space]),
            let code = CommandFailure.Code(rawValue: number)
        else { throw CommandFailure(.failed, "the mount's process ended without a report (status \(status))") }
        throw CommandFailure(code, String(text[text.index(after: space)...]))
    }
}
