// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
public import OCI

/// The entries of a directory, as they were when it was opened.
public struct Listing: Sendable {
    enum Source: Sendable {
        /// One directory of one layer, without copying its entries.
        case layer(MountedLayer, LayerIndex, Range<LayerIndex.Number>)
        case merged([Item])
    }

    public struct Item: Sendable {
        public let name: EntryName
        /// nil where the name is known from the Kitfile only.
        public let attributes: Attributes?
    }

    let source: Source
    public let inode: InodeNumber
    public let parent: InodeNumber
    public let validity: Validity

    public var count: Int {
        switch source {
        case .layer(_, _, let range): range.count
        case .merged(let items): items.count
        }
    }
}

extension KitFileSystem {
    /// Opens a directory: waits for all entries that it may have. Returns a handle for `item` and `closeDirectory`.
    public func openDirectory(
        _ inode: InodeNumber, _ failures: Failures = [:]
    ) -> Attempt<(handle: UInt64, validity: Validity)> {
        switch listing(inode, failures) {
        case .done(let listing): .done((openDirectories.insert(listing), listing.validity))
        case .failed(let error): .failed(error)
        case .needs(let needs): .needs(needs)
        }
    }

    public func closeDirectory(_ handle: UInt64) { openDirectories.remove(handle) }

    public func directory(_ handle: UInt64) -> Listing? { openDirectories[handle] }

    /// The item at a position, 0 ..< `listing.count`; nil beyond.
    public func item(_ listing: Listing, at position: Int) -> Listing.Item? {
        switch listing.source {
        case .merged(let items):
            return items.indices.contains(position) ? items[position] : nil
        case .layer(let mounted, let index, let range):
            guard position < range.count else { return nil }
            let number = range.lowerBound + LayerIndex.Number(position)
            guard let name = index.name(of: number),
                case .done(let attributes) = attributes(mounted, index, number)
            else { return nil }
            return Listing.Item(name: name, attributes: attributes)
        }
    }

    public func listing(_ inode: InodeNumber, _ failures: Failures = [:]) -> Attempt<Listing> {
        switch inode.target {
        case .scopeDirectory(let id) where id < scopeDirectories.all.count:
            return scopeDirectoryListing(id, failures)
        case .entry(let layer, let epoch, let number):
            guard let (mounted, index, entry) = entry(layer, epoch, number) else { return .failed(.stale) }
            guard case .directory(let children) = entry.kind else { return .failed(.notDirectory) }
            let parent = parentInode(mounted, index, entry)
            if mounted.overlaps.isEmpty {
                return .done(
                    Listing(
                        source: .layer(mounted, index, children), inode: inode, parent: parent, validity: index.validity
                    ))
            }
            return mergedListing(mounted.path(of: number, in: index), inode, parent, failures)
        case .kitfile: return .failed(.notDirectory)
        case .scopeDirectory, nil: return .failed(.notFound(.final))
        }
    }

    private func parentInode(_ mounted: MountedLayer, _ index: LayerIndex, _ entry: LayerIndex.Entry) -> InodeNumber {
        let path = mounted.path(of: entry.parent, in: index)
        if let id = scopeDirectories.all.firstIndex(where: { $0.path == path }) {
            return InodeNumber(.scopeDirectory(id))
        }
        return InodeNumber(.entry(layer: mounted.ordinal, epoch: index.epoch, number: entry.parent))
    }

    /// Names in a directory that several layers may have.
    private func mergedListing(
        _ path: EntryPath, _ inode: InodeNumber, _ parent: InodeNumber, _ failures: Failures
    ) -> Attempt<Listing> {
        switch candidates(layersOver(path), failures) {
        case .failed(let error): return .failed(error)
        case .needs(let needs): return .needs(needs)
        case .done(let candidates):
            if let error = candidates.error { return .failed(error) }
            return merge(names(at: path, in: candidates), path, inode, parent, .final, failures)
        }
    }

    /// Waits for the layers that may have any name here, and for those whose headers alone tell their names; of others
    /// the declared path is listed as it stands in the Kitfile.
    private func scopeDirectoryListing(_ id: Int, _ failures: Failures) -> Attempt<Listing> {
        let directory = scopeDirectories.all[id]
        let listable = directory.under.filter {
            layers[$0].layer.index == nil && layers[$0].layer.canIndexWithoutContent && failures[$0] == nil
        }
        let wanted = directory.over.filter { layers[$0].layer.index == nil && failures[$0] == nil }
        if !listable.isEmpty || !wanted.isEmpty {
            return .needs((wanted + listable).sorted().map { Need(what: .index, layer: $0) })
        }
        switch candidates(directory.over, failures) {
        case .failed(let error): return .failed(error)
        case .needs(let needs): return .needs(needs)
        case .done(let candidates):
            if let error = candidates.error { return .failed(error) }
            let names = names(at: directory.path, in: candidates)
                .union(directory.children.keys).union(directory.declared.keys)
            return merge(
                names, directory.path, InodeNumber(.scopeDirectory(id)), InodeNumber(.scopeDirectory(directory.parent)),
                .provisional,
                failures)
        }
    }

    private func names(at path: EntryPath, in candidates: Candidates) -> Set<EntryName> {
        var names: Set<EntryName> = []
        for (mounted, index) in candidates.usable {
            guard let number = mounted.number(at: path, in: index),
                case .directory(let children)? = index.entry(number)?.kind
            else { continue }
            for child in children { if let name = index.name(of: child) { names.insert(name) } }
        }
        return names
    }

    /// Looks each name up. What would need more than is here is listed without attributes; what turns out not to be
    /// there is left out.
    private func merge(
        _ names: Set<EntryName>, _ path: EntryPath, _ inode: InodeNumber, _ parent: InodeNumber,
        _ validity: Validity, _ failures: Failures
    ) -> Attempt<Listing> {
        var items: [Listing.Item] = []
        var validity = path.isRoot ? Validity.final : validity
        let hasKitfile = path.isRoot && showsKitfile
        if hasKitfile, let name = EntryName(Self.kitfileName) {
            items.append(Listing.Item(name: name, attributes: kitfileAttributes))
        }
        for name in names.sorted() where !(hasKitfile && name.bytes == Self.kitfileName) {
            switch lookup(inode, name, failures) {
            case .done(let attributes):
                items.append(Listing.Item(name: name, attributes: attributes))
                validity = .both(validity, attributes.validity)
            case .failed(.notFound(let absence)):
                validity = .both(validity, absence)
            case .failed, .needs:
                items.append(Listing.Item(name: name, attributes: nil))
                validity = .provisional
            }
        }
        return .done(Listing(source: .merged(items), inode: inode, parent: parent, validity: validity))
    }
}
