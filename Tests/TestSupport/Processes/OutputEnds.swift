// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The two ends of a child's stdout or stderr: the descriptor given to the child, and the one that we read (-1 for a
/// file).
struct OutputEnds: Sendable {
    let childs: Int32
    let ours: Int32

    /// - Parameter file: appended to, and created if it does not exist; nil makes a pipe whose reading end does not
    ///   block.
    init(file: String?) throws {
        guard let file else {
            let pipe = try GlibcExtensions.closeOnExecPipe()
            _ = fcntl(pipe.read, F_SETFL, O_NONBLOCK)
            (childs, ours) = (pipe.write, pipe.read)
            return
        }
        childs = try systemCall("open \(file)") { open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        ours = -1
    }

    /// As above. If this fails, our end of the `first` output is closed.
    init(file: String?, or first: OutputEnds) throws {
        do {
            try self.init(file: file)
        } catch {
            first.closeOurs()
            throw error
        }
    }

    func closeOurs() {
        if ours >= 0 { close(ours) }
    }
}
