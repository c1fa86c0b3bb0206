// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Files of which the kernel may have pages that were never verified. It keeps them from one open to the next: to drop
/// them at each would make an open wait for all reads that wait.
final class StreamedInodes: Sendable {
    /// By inode: how often its layer had been found wrong when it was last opened.
    private let generations = Mutex<[InodeNumber: UInt64]>([:])

    /// Notes an open; whether what the kernel has of the file from earlier ones may be shown.
    func keepsCache(_ inode: InodeNumber, _ generation: UInt64, isVerified: Bool) -> Bool {
        generations.withLock { generations in
            let known = generations[inode]
            // Of verified layers nothing has to be known, once the kernel has nothing else.
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
