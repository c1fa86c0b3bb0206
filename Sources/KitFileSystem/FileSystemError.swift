// SPDX-License-Identifier: Apache-2.0
public import LayerCache
public import LayerIndex
internal import LayerStore
public import OCI

/// Why an operation on the tree fails.
public enum FileSystemError: Error, Equatable {
    /// There is no such name. Final if that holds for the mount's lifetime.
    case notFound(Validity)
    /// The inode is no longer in the tree: its layer turned out to have other entries than were shown.
    case stale
    case notDirectory
    case isDirectory
    case notSymbolicLink
    case noAttribute
    case badHandle
    /// The layer cannot be provided.
    case layer(LayerKey, StoreError)
    /// The layer has entries where its kit does not declare it.
    case misplaced(LayerKey, EntryPath)
    /// The layer has a directory where an earlier one has a file, or the reverse.
    case conflicting(LayerKey, EntryPath)
}

extension FileSystemError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound: "no such file or directory"
        case .stale: "no longer what it was"
        case .notDirectory: "not a directory"
        case .isDirectory: "a directory"
        case .notSymbolicLink: "not a symbolic link"
        case .noAttribute: "no such attribute"
        case .badHandle: "not an open file"
        case .layer(_, let error): error.description
        case .misplaced(let key, let path): "layer \(key.digest): “\(path)” is outside of the layer's declared path"
        case .conflicting(let key, let path):
            "layer \(key.digest): “\(path)” is a directory in one layer and none in another"
        }
    }
}
