// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization
internal import Threading

/// Ticks for all transfers of a process, from one thread that lives as long as there are any.
final class TransferClock: Sendable {
    private struct Entry: Sendable {
        weak var transfer: LayerTransfer?
        let id: ObjectIdentifier
    }

    private let entries = Mutex<(list: [Entry], isRunning: Bool)>(([], false))
    /// Often enough that nobody notices, seldom enough to cost nothing.
    private static let interval: UInt32 = 20_000

    func add(_ transfer: LayerTransfer) {
        let mustStart = entries.withLock { entries in
            entries.list.append(Entry(transfer: transfer, id: ObjectIdentifier(transfer)))
            defer { entries.isRunning = true }
            return !entries.isRunning
        }
        if mustStart { BackgroundThread.start { self.run() } }
    }

    func remove(_ transfer: LayerTransfer) {
        let id = ObjectIdentifier(transfer)
        entries.withLock { entries in entries.list.removeAll { $0.id == id } }
    }

    private func run() {
        while tickAll() { usleep(Self.interval) }
    }

    /// False once there are none. Holds none of them longer than it takes: their locks are theirs.
    private func tickAll() -> Bool {
        let transfers = entries.withLock { entries -> [LayerTransfer]? in
            entries.list.removeAll { $0.transfer == nil }
            if entries.list.isEmpty {
                entries.isRunning = false
                return nil
            }
            return entries.list.compactMap(\.transfer)
        }
        for transfer in transfers ?? [] { transfer.tick(.now) }
        return transfers != nil
    }
}
