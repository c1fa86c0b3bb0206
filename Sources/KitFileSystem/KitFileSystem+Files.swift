// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import LayerStore
public import SystemPackage

/// What an open file reads from.
enum OpenFile: Sendable {
    /// Verified.
    case layer(LayerFile, LayerKey)
    /// Read while it is fetched. The layer by its ordinal.
    case stream(StreamFile, layer: Int, inode: InodeNumber)
    case bytes([UInt8])
}

extension KitFileSystem {
    /// A file that is open.
    public struct Opened: Sendable {
        public let handle: UInt64
        /// Whether the kernel's pages of earlier opens are valid.
        public let keepsCache: Bool
        /// Bytes of a verified file; nil for one that is not verified.
        public var verifiedSize: UInt64?
        /// The descriptor of a verified file's own cache file, valid until the handle is closed; nil if it has none.
        public var ownDescriptor: FileDescriptor?
    }

    /// Opens a file for reading: waits for its layer, whole and verified, unless that is to be read while it is fetched.
    /// The handle is for `read` and `close`.
    public func open(_ inode: InodeNumber, _ failures: Failures = [:]) -> Attempt<Opened> {
        switch inode.target {
        case .kitfile:
            return .done(Opened(handle: openFiles.insert(.bytes(kitfile)), keepsCache: true))
        case .scopeDirectory(let id) where id < scopeDirectories.all.count:
            return .failed(.isDirectory)
        case .entry(let layer, let epoch, let number):
            guard let (mounted, _, entry) = entry(layer, epoch, number) else { return .failed(.stale) }
            guard case .file(let content) = entry.kind else { return .failed(.isDirectory) }
            let key = mounted.layer.key
            if let error = failures[layer] { return .failed(.layer(key, error)) }
            do {
                if let file = try mounted.layer.openFile(content: content) {
                    let keepsCache = streamed.keepsCache(inode, mounted.layer.wrongGeneration, isVerified: true)
                    return .done(
                        Opened(
                            handle: openFiles.insert(.layer(file, key)), keepsCache: keepsCache,
                            verifiedSize: file.size, ownDescriptor: file.ownDescriptor))
                }
                guard mounted.isStreamed else { return .needs([Need(what: .content, layer: layer)]) }
                let stream = OpenFile.stream(mounted.layer.openStream(content: content), layer: layer, inode: inode)
                let keepsCache = streamed.keepsCache(inode, mounted.layer.wrongGeneration, isVerified: false)
                return .done(Opened(handle: openFiles.insert(stream), keepsCache: keepsCache))
            } catch {
                return .failed(.layer(key, error))
            }
        case .scopeDirectory, nil:
            return .failed(.notFound(.final))
        }
    }

    public func close(_ handle: UInt64) { openFiles.remove(handle) }

    /// Reads from `offset` into `buffer`, up to the file's end. Gives the number of bytes. Blocks for the disk only.
    public func read(
        _ handle: UInt64, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, _ failures: Failures = [:]
    ) -> Attempt<Int> {
        switch openFiles[handle] {
        case nil:
            return .failed(.badHandle)
        case .layer(let file, let key)?:
            do {
                return .done(try unsafe file.read(at: offset, into: buffer))
            } catch {
                return .failed(.layer(key, error))
            }
        case .stream(let file, let layer, _)?:
            let key = layers[layer].layer.key
            if let error = failures[layer] { return .failed(.layer(key, error)) }
            do {
                switch try unsafe file.read(at: offset, into: buffer) {
                case .read(let count): return .done(count)
                case .absent(let range, let ahead):
                    return .needs([Need(what: .range(range, ahead: ahead), layer: layer)])
                }
            } catch {
                return .failed(.layer(key, error))
            }
        case .bytes(let bytes)?:
            guard offset < UInt64(bytes.count) else { return .done(0) }
            let piece = bytes[Int(offset)...].prefix(buffer.count)
            unsafe buffer.copyBytes(from: piece)
            return .done(piece.count)
        }
    }
}
