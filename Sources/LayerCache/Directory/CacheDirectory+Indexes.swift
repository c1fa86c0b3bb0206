// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
package import LayerIndex
private import Glibc
package import OCI
package import SystemPackage

/// The `indexes/` of a cache.
extension CacheDirectory {
    /// nil if there is none, or it is damaged.
    package func loadIndex(_ key: LayerKey, blobSize: UInt64) -> LayerIndex? {
        guard let bytes = indexes.contents(of: key.description, atMost: Self.indexSizeLimit(key, blobSize: blobSize))
        else { return nil }
        return LayerIndex(decoding: bytes, blobSize: blobSize)
    }

    /// Bytes that no index of such a layer exceeds. A member takes at least 512 bytes of the uncompressed layer, and brings at
    /// most nine entries with their names. deflate makes at most 1032 bytes of one; for zstd there is no such bound.
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

    /// Of any layer: 2^24 entries and 2 GiB of names.
    package static let indexSizeLimit: UInt64 = 3 << 30

    package func saveIndex(_ index: LayerIndex, _ key: LayerKey, blobSize: UInt64) throws(Errno) {
        try replaceFile(key.description, in: indexes, with: index.encoded(blobSize: blobSize))
    }

    /// Runs `build` while no other process builds the index of this layer. One who takes longer than `patience` is not
    /// waited for.
    package func buildingIndex<Built>(
        _ key: LayerKey, _ patience: Duration, _ cancellation: Cancellation, _ build: () throws -> Built
    ) throws -> Built {
        // A lock on a byte of a file that is there, a byte that the digest chooses. Two that meet there only wait for each
        // other.
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
