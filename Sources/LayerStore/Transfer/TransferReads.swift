// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
private import Synchronization

/// A file in the directory of a transfer that a stream reads from, until the transfer ends.
///
/// A stream may stay open long after the transfer has ended and its files were deleted. Their space comes free only when
/// nobody has them open, so the transfer closes them.
final class TransferReadFile: Sendable {
    private let file: Mutex<OwnedFile?>

    init(_ file: OwnedFile) { self.file = Mutex(file) }

    /// nil once the transfer has ended. Whoever has taken it may read on.
    var current: OwnedFile? { file.withLock { $0 } }

    func close() { file.withLock { $0 = nil } }
}

/// The files of a transfer that streams read from.
struct TransferReads: Sendable {
    private struct Entry: Sendable { weak var file: TransferReadFile? }

    private var entries: [Entry] = []
    private var isClosed = false
    /// Entries of streams that were closed are dropped when there are so many.
    private var limit = 16

    /// False once the transfer has ended.
    mutating func add(_ file: TransferReadFile) -> Bool {
        if isClosed { return false }
        if entries.count >= limit {
            entries.removeAll { $0.file == nil }
            limit = max(16, entries.count * 2)
        }
        entries.append(Entry(file: file))
        return true
    }

    /// The files to close, for the transfer has ended.
    mutating func end() -> [TransferReadFile] {
        isClosed = true
        defer { entries = [] }
        return entries.compactMap(\.file)
    }
}
