// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization
internal import Threading

/// Ticks for all transfers of a process, on one thread that runs while there are any.
final class TransferClock: Sendable {
    private struct Entry: Sendable {
        weak var transfer: LayerTransfer?
        let id: ObjectIdentifier
    }

    private let entries = Mutex<(list: [Entry], isRunning: Bool)>(([], false))
    /// Microseconds between ticks: too short to be noticed, and long enough to cost nothing.
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

    /// Returns false once no transfer is left. Holds strong references during the ticks only, since the byte locks of a
    /// transfer last as long as the transfer.
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
