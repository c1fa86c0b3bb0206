// SPDX-License-Identifier: Apache-2.0

/// Where a transfer is between its first chunk and its end.
enum TransferLifecycle: Sendable, Equatable {
    /// Bytes are fetched and ingested.
    case filling
    /// The layer is good, as this or another process found; what is left to do is to tell.
    case verified
    /// The directory is being taken away. What fails by that is nobody's business.
    case discarding
    /// Over: nothing comes after.
    case closed

    /// Whether one may follow the other.
    func mayBecome(_ next: TransferLifecycle) -> Bool {
        switch (self, next) {
        case (.filling, .verified), (.filling, .discarding), (.verified, .discarding): true
        // It could not be taken away.
        case (.discarding, .filling): true
        case (.filling, .closed), (.verified, .closed), (.discarding, .closed): true
        default: false
        }
    }

    /// Changes if that is legal; false, and nothing changed, if not.
    mutating func become(_ next: TransferLifecycle) -> Bool {
        guard mayBecome(next) else { return false }
        self = next
        return true
    }
}
