// SPDX-License-Identifier: Apache-2.0
public import LayerIndex
internal import DurableFiles
internal import OCI
internal import SystemPackage

/// Verification of all that is stored: disks lose bits.
extension CacheDirectory {
    /// What a verification found.
    public struct Verified: Sendable {
        public var layers = 0
        /// Bytes that were read.
        public var bytes: UInt64 = 0
        /// Items that were damaged and dropped. The next open fetches them again.
        public var dropped: [(name: String, reason: String)] = []
    }

    /// Hashes whole layers again, checks manifests and indexes, and drops the damaged ones. `progress` gets each layer,
    /// the bytes of it that are read, and its size in bytes. Throws `StoreError.cache` if the cache cannot be read.
    public func verify(progress: (LayerKey, _ done: UInt64, _ size: UInt64) -> Void) throws(StoreError) -> Verified {
        var verified = Verified()
        do {
            for name in try layers.names() where LayerKey(name) != nil {
                try verifyLayer(name, &verified, progress)
            }
            try verifyBlobs(&verified)
            try verifyIndexes(&verified)
            return verified
        } catch {
            throw .cache("the cache \(path) cannot be read: \(error)")
        }
    }

    private func verifyLayer(
        _ name: String, _ verified: inout Verified, _ progress: (LayerKey, UInt64, UInt64) -> Void
    ) throws {
        // A layer that was evicted meanwhile is no problem. The claim keeps a layer while it is read.
        guard let key = LayerKey(name), let directory = try? layers.directory(name) else { return }
        let state = try? StateFile.open(in: directory, key: key)
        _ = try? state?.claim(.mounted, .shared)
        guard try directory.isNamed(key.description, in: layers) else { return }
        verified.layers += 1
        var read: UInt64 = 0
        let found = Result {
            try findProblem(of: key, in: directory, state) { done, size in
                read = done
                progress(key, done, size)
            }
        }
        verified.bytes += read
        // The layer may have been evicted for space in spite of the claim.
        guard try directory.isNamed(key.description, in: layers), let problem = Self.problem(found) else { return }
        verified.dropped.append((name, problem))
        // Mounts that hold the layer open no more files of it.
        try? state?.setLifecycle(.bad)
        try discard(name, in: layers, ifStill: directory)
        dropIndex(key)
    }

    private static func problem(_ found: Result<String?, any Error>) -> String? {
        switch found {
        case .success(let problem): problem
        case .failure(let error): "it cannot be read: \(error)"
        }
    }

    /// nil if the layer's bytes are still the ones that were verified.
    private func findProblem(
        of key: LayerKey, in directory: DirectoryHandle, _ state: StateFile?, progress: (UInt64, UInt64) -> Void
    ) throws -> String? {
        guard let state, try state.lifecycle == .good, try state.isSealed, try ChunkMap(state).isWhole else {
            return "its state is damaged"
        }
        let known = try state.contentDigest
        let isPlain = key.form.compression == nil && key.digest.algorithm == .sha256
        guard let expected = isPlain ? key.digest : known else { return "what its digest should be is lost" }
        let size = try state.layerSize
        var files = try LayerFiles(reading: directory, layout: LayerFiles.layout(of: directory))
        // The stream has the full length even where all content is in files of members.
        guard try files.length == size else { return "its stream has another length" }
        let hasher = DigestHasher(.sha256)
        let buffer = ReadBuffer()
        var offset: UInt64 = 0
        while offset < size {
            let memory = buffer.prefix(size - offset)
            try files.read(at: offset, into: memory)
            hasher.update(UnsafeRawBufferPointer(memory).bytes)
            offset += UInt64(memory.count)
            progress(offset, size)
        }
        let found = hasher.finalize()
        if found != expected { return "its content should be \(expected) and is \(found)" }
        return known == expected ? nil : "its state is damaged"
    }

    private func verifyBlobs(_ verified: inout Verified) throws {
        for algorithm in try blobs.names() {
            guard let directory = try? blobs.directory(algorithm) else { continue }
            for name in try directory.names() {
                guard let digest = Digest("\(algorithm):\(name)") else { continue }
                guard blob(digest) == nil else { continue }
                verified.dropped.append((digest.description, "it is not what its name says"))
                try? directory.remove(name)
            }
        }
    }

    private func verifyIndexes(_ verified: inout Verified) throws {
        for name in try indexes.names() {
            guard LayerKey(name) != nil, try indexes.attributes(of: name).size <= Self.indexSizeLimit else { continue }
            let bytes = indexes.contents(of: name, atMost: Self.indexSizeLimit) ?? []
            guard !LayerIndex.isIntact(bytes) else { continue }
            verified.dropped.append(("indexes/" + name, "it is damaged"))
            try? indexes.remove(name)
        }
    }
}
