// SPDX-License-Identifier: Apache-2.0
internal import LayerStore

/// What an open file reads from.
enum OpenFile: Sendable {
    case layer(LayerFile, LayerKey)
    case bytes([UInt8])
}

extension KitFileSystem {
    /// Opens a file for reading: waits for its layer, whole and verified. Returns a handle for `read` and `close`.
    public func open(_ inode: InodeNumber, _ failures: Failures = [:]) -> Attempt<UInt64> {
        switch inode.place {
        case .kitfile:
            return .done(openFiles.insert(.bytes(kitfile)))
        case .junction(let id) where id < junctions.all.count:
            return .failed(.isDirectory)
        case .entry(let layer, let number):
            guard let (mounted, _, entry) = entry(layer, number) else { return .failed(.notFound(.provisional)) }
            guard case .file(let content) = entry.kind else { return .failed(.isDirectory) }
            let key = mounted.layer.key
            if let error = failures[layer] { return .failed(.layer(key, error)) }
            do {
                guard let file = try mounted.layer.openFile(content: content) else {
                    return .needs([Need(what: .content, layer: layer)])
                }
                return .done(openFiles.insert(.layer(file, key)))
            } catch {
                return .failed(.layer(key, error))
            }
        case .junction, nil:
            return .failed(.notFound(.final))
        }
    }

    public func close(_ handle: UInt64) { openFiles.remove(handle) }

    /// Fills as much of `buffer` as the file has from `offset` on; returns how many bytes that is. Does not block
    /// longer than the disk does.
    public func read(
        _ handle: UInt64, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileSystemError) -> Int {
        switch openFiles[handle] {
        case nil:
            throw .badHandle
        case .layer(let file, let key)?:
            do {
                return try unsafe file.read(at: offset, into: buffer)
            } catch {
                throw .layer(key, error)
            }
        case .bytes(let bytes)?:
            guard offset < UInt64(bytes.count) else { return 0 }
            let piece = bytes[Int(offset)...].prefix(buffer.count)
            unsafe buffer.copyBytes(from: piece)
            return piece.count
        }
    }
}
