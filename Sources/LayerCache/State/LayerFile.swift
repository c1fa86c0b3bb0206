// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
public import SystemPackage

/// An open file of a layer. The layer stays in the cache as long as this object lives.
public final class LayerFile: Sendable {
    private let layer: OpenLayer
    private let file: OwnedFile
    private let isOwnFile: Bool
    /// Offset in `file` where the content starts.
    private let base: UInt64
    /// Bytes.
    public let size: UInt64

    init(layer: OpenLayer, file: OwnedFile, isOwnFile: Bool, base: UInt64, size: UInt64) {
        self.layer = layer
        self.isOwnFile = isOwnFile
        self.file = file
        self.base = base
        self.size = size
    }

    deinit { layer.closedFile() }

    /// The descriptor for passthrough, valid as long as this object lives; nil unless the content has its own file,
    /// from byte 0.
    public var ownDescriptor: FileDescriptor? { isOwnFile ? file.descriptor : nil }

    /// Reads the content from `offset` on into `buffer`. Returns the number of bytes read, 0 at the end of the content.
    /// Throws `StoreError.cache` if the cache lacks bytes that it should have.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        guard offset < size else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), size - offset))
        let count: Int
        do {
            count = try file.read(
                at: base + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted]))
        } catch {
            throw .cache("the cache failed at \(base + offset): \(error)")
        }
        guard count == wanted else { throw .cache("the cache ends at \(base + offset + UInt64(count)), too early") }
        return count
    }
}
