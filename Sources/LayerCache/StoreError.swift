// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerFormat
public import OCI
internal import SystemPackage

/// Why the store cannot provide a layer, its index, or space for it.
public enum StoreError: Error, Equatable {
    /// The source could not provide the bytes.
    case source(SourceError)
    /// The bytes do not have the layer's digest.
    case digestMismatch(expected: Digest, found: Digest)
    /// Unverified bytes make no tree; the reason names the offset. The next try fetches them again.
    case unlistable(layer: Digest, reason: String)
    /// The layer is proven to be unmountable: its verified bytes make no tree, or its descriptor contradicts them.
    /// Another fetch does not help. The reason names the offset.
    case unmountable(layer: Digest, reason: String)
    /// Neither the disk nor the limit has space for the layer.
    case noSpace(String)
    /// The cache itself failed.
    case cache(String)
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .source(let error): error.description
        case .digestMismatch(let expected, let found):
            "the layer should be \(expected) but its bytes are \(found); dropped"
        case .unlistable(let layer, let reason), .unmountable(let layer, let reason): "layer \(layer): \(reason)"
        case .noSpace(let reason), .cache(let reason): reason
        }
    }

    /// Converts an error of work on `layer`.
    package init(_ error: any Error, layer: Digest) {
        switch error {
        case let error as StoreError: self = error
        case let error as SourceError: self = .source(error)
        // The stream that replaced ranges broke. Another one would start at the beginning again.
        case let error as RangesIgnored: self = .source(.unreachable("layer \(layer): \(error)"))
        case Errno.noSpace, Errno.diskQuotaExceeded: self = .noSpace("no space left in the cache for layer \(layer)")
        case Errno.fileTooLarge:
            self = .cache("layer \(layer): a file of the cache would be larger than `ulimit -f` or its disk allows")
        case let error as Errno: self = .cache("layer \(layer): the cache failed: \(error)")
        case is TarError, is LayerIndexBuilder.Failure, is CompressionError, is EntryPathError:
            self = .unlistable(layer: layer, reason: "\(error)")
        default: self = .cache("layer \(layer): \(error)")
        }
    }

    /// The same error, for bytes whose digest was checked.
    package var asVerified: StoreError {
        if case .unlistable(let layer, let reason) = self { .unmountable(layer: layer, reason: reason) } else { self }
    }

    /// Whether every later try would fail in the same way.
    package var isFinal: Bool { if case .unmountable = self { true } else { false } }
}
