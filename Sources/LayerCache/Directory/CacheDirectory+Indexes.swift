// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
package import LayerIndex
private import Glibc
package import OCI
package import SystemPackage

/// `indexes/`.
extension CacheDirectory {
    /// nil if there is no index, or it is damaged.
    package func loadIndex(_ key: LayerKey, blobSize: UInt64) -> LayerIndex? {
        guard let bytes = indexes.contents(of: key.description, atMost: Self.indexSizeLimit(key, blobSize: blobSize))
        else { return nil }
        return LayerIndex(decoding: bytes, blobSize: blobSize)
    }

    /// The largest index that such a layer can have, in bytes. A member takes at least 512 bytes of the uncompressed
    /// layer, and adds at most nine entries with their names. deflate makes at most 1032 bytes of one; zstd has no such
    /// bound.
    package static func indexSizeLimit(_ key: LayerKey, blobSize: UInt64) -> UInt64 {
        let factor: UInt64 =
            switch key.form.compression {
            case nil: 6
            case .gzip: 6 * 1032
            case .zstd: 6 * 65_536
            }
        let (size, isBeyond) = blobSize.multipliedReportingOverflow(by: factor)
        return isBeyond ? indexSizeLimit : min(indexSizeLimit, size + 32 << 20)
    }

    /// The limit for any layer, in bytes: 2^24 entries and 2 GiB of names.
    package static let indexSizeLimit: UInt64 = 3 << 30

    package func saveIndex(_ index: LayerIndex, _ key: LayerKey, blobSize: UInt64) throws(Errno) {
        try replaceFile(key.description, in: indexes, with: index.encoded(blobSize: blobSize))
    }

    /// Runs `build` while no other process builds the index of this layer. Waits for another process for at most
    /// `patience`, then builds as well.
    package func buildingIndex<Built>(
        _ key: LayerKey, _ patience: Duration, _ cancellation: Cancellation, _ build: () throws -> Built
    ) throws -> Built {
        // The lock is on one byte of a file that exists anyway. The digest chooses the byte. Two layers with the same
        // byte only wait for each other.
        let lock = try top.file("VERSION", .readWrite)
        let place = Int(key.digest.leadingBits >> 2)
        let deadline = ContinuousClock.now + patience
        while try !lock.lock(.exclusive, start: place), ContinuousClock.now < deadline {
            if cancellation.isCancelled { throw SourceError.cancelled }
            usleep(10_000)
        }
        return try withExtendedLifetime(lock) { try build() }
    }

    package func dropIndex(_ key: LayerKey) {
        try? indexes.remove(key.description)
    }
}
