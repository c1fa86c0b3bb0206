// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Files of which the kernel may have unverified pages. The pages are kept from one open to the next: dropping them
/// would make an open wait for all held reads.
final class StreamedInodes: Sendable {
    /// By inode: how often its layer had been found wrong when it was last opened.
    private let generations = Mutex<[InodeNumber: UInt64]>([:])

    /// Notes an open. Returns whether the kernel's pages of earlier opens are valid.
    func keepsCache(_ inode: InodeNumber, _ generation: UInt64, isVerified: Bool) -> Bool {
        generations.withLock { generations in
            let known = generations[inode]
            // A verified layer needs no entry, once the kernel has no unverified pages of it.
            generations[inode] = isVerified ? nil : generation
            return known ?? generation == generation
        }
    }

    /// Those of one layer, by its ordinal.
    func inodes(of layer: Int) -> [InodeNumber] {
        generations.withLock { generations in
            generations.keys.filter { if case .entry(layer, _, _)? = $0.target { true } else { false } }
        }
    }
}
