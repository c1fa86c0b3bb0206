// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerFormat
public import OCI
internal import SystemPackage

/// Why the store cannot give a layer, its index, or room for it.
public enum StoreError: Error, Equatable {
    /// The bytes could not be had.
    case source(SourceError)
    /// The bytes are not the layer's.
    case digestMismatch(expected: Digest, found: Digest)
    /// Bytes that nobody has verified make no tree; the reason names the offset. The next try asks for them anew.
    case unlistable(layer: Digest, reason: String)
    /// What is proven cannot be mounted: the verified bytes make no tree, or the descriptor contradicts them. No fetch makes
    /// that better; the reason names the offset.
    case unmountable(layer: Digest, reason: String)
    /// Neither disk nor limit has room for it.
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

    /// Whatever work on `layer` threw, as one of ours.
    package init(_ error: any Error, layer: Digest) {
        switch error {
        case let error as StoreError: self = error
        case let error as SourceError: self = .source(error)
        // The stream that was taken instead broke, and would come from its start again.
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

    /// The same of bytes whose digest was checked.
    package var asVerified: StoreError {
        if case .unlistable(let layer, let reason) = self { .unmountable(layer: layer, reason: reason) } else { self }
    }

    /// Whether no later try can have another outcome.
    package var isFinal: Bool { if case .unmountable = self { true } else { false } }
}
