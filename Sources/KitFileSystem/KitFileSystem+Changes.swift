// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
public import OCI
private import Synchronization

/// Something that was shown and no longer holds.
public enum Invalidation: Sendable {
    /// A name means something else, or nothing.
    case name(parent: InodeNumber, EntryName)
    /// Bytes of the file that were read may have been wrong.
    case pages(InodeNumber)
}

extension KitFileSystem {
    /// Calls back, on any thread, when something that was shown no longer holds. To be called once, before anything is
    /// shown.
    public func observe(_ observer: @escaping @Sendable ([Invalidation]) -> Void) {
        for mounted in layers {
            mounted.layer.observe { [weak self] change in
                guard let self else { return }
                switch change {
                // What is open was found by the entries that were shown.
                case .entries: observer(names(of: mounted) + pages(of: mounted))
                case .wrongBytes: observer(pages(of: mounted))
                }
            }
        }
    }

    /// The names by which the layer's entries are reached.
    private func names(of mounted: MountedLayer) -> [Invalidation] {
        let parent = EntryPath(mounted.scope.names.dropLast())
        if let name = mounted.scope.names.last, let id = scopeDirectories.all.firstIndex(where: { $0.path == parent }) {
            return [.name(parent: InodeNumber(.scopeDirectory(id)), name)]
        }
        guard let index = mounted.layer.index, case .directory(let children)? = index.entry(LayerIndex.root)?.kind
        else { return [] }
        return children.compactMap { child in index.name(of: child).map { .name(parent: .root, $0) } }
    }

    /// What the kernel may have of files that were read before they were verified.
    private func pages(of mounted: MountedLayer) -> [Invalidation] {
        streamed.inodes(of: mounted.ordinal).map { .pages($0) }
    }
}
