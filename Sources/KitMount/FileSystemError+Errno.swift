// SPDX-License-Identifier: Apache-2.0
internal import KitFileSystem
internal import LayerCache
internal import LayerStore
internal import OCI
internal import SystemPackage

/// The one place where errors become errno. The store and the tree log their failures; `FailureLog` logs the rest.
extension FileSystemError {
    var errno: Errno {
        switch self {
        case .notFound: .noSuchFileOrDirectory
        case .stale: .staleNFSFileHandle
        case .notDirectory: .notDirectory
        case .isDirectory: .isDirectory
        case .notSymbolicLink: .invalidArgument
        case .noAttribute: .noData
        case .badHandle: .badFileDescriptor
        case .misplaced, .conflicting: .ioError
        case .layer(_, let error): error.errno
        }
    }
}

extension StoreError {
    fileprivate var errno: Errno {
        switch self {
        case .source(.unauthorized): .permissionDenied
        case .source(.notFound), .source(.unreachable), .source(.unusable), .source(.misconfigured): .ioError
        case .source(.cancelled): .interrupted
        case .digestMismatch, .unlistable, .unmountable, .cache: .ioError
        case .noSpace: .noSpace
        }
    }
}
