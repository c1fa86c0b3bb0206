// SPDX-License-Identifier: Apache-2.0

/// The stage of a transfer, from its first chunk to its end.
enum TransferLifecycle: Sendable, Equatable {
    /// Bytes are fetched and ingested.
    case filling
    /// The layer is good, as this or another process found. Only the event is still to be sent.
    case verified
    /// The directory is being removed. Errors that this causes are not reported.
    case discarding
    /// The transfer has ended, for good.
    case closed

    /// Whether `next` may follow this stage.
    func mayBecome(_ next: TransferLifecycle) -> Bool {
        switch (self, next) {
        case (.filling, .verified), (.filling, .discarding), (.verified, .discarding): true
        // The directory could not be removed.
        case (.discarding, .filling): true
        case (.filling, .closed), (.verified, .closed), (.discarding, .closed): true
        default: false
        }
    }

    /// Changes the stage if that is legal. Returns false, and changes nothing, if it is not.
    mutating func become(_ next: TransferLifecycle) -> Bool {
        guard mayBecome(next) else { return false }
        self = next
        return true
    }
}
