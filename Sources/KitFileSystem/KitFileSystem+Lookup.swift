// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
public import OCI
internal import Synchronization

extension KitFileSystem {
    static var kitfileName: [UInt8] { Array("Kitfile".utf8) }

    public func lookup(_ parent: InodeNumber, _ name: EntryName, _ failures: Failures = [:]) -> Attempt<Attributes> {
        switch parent.target {
        case .scopeDirectory(let id) where id < scopeDirectories.all.count:
            if id == 0, showsKitfile, name.bytes == Self.kitfileName { return .done(kitfileAttributes) }
            let directory = scopeDirectories.all[id]
            if let child = directory.children[name] {
                if let file = file(inPlaceOf: child) { return .done(file) }
                return scopeDirectoryAttributes(child, failures)
            }
            let candidates = (directory.over + (directory.declared[name] ?? [])).sorted()
            return resolve(directory.path.appending(name), among: candidates, failures)
        case .entry(let layer, let epoch, let number):
            guard let (mounted, index, entry) = entry(layer, epoch, number) else { return .failed(.stale) }
            guard case .directory = entry.kind else { return .failed(.notDirectory) }
            guard !mounted.overlaps.isEmpty else {
                guard let child = index.child(of: number, named: name) else {
                    return .failed(.notFound(index.validity))
                }
                return attributes(mounted, index, child)
            }
            let path = mounted.path(of: number, in: index).appending(name)
            return resolve(path, among: layersOver(path), failures)
        case .kitfile:
            return .failed(.notDirectory)
        case .scopeDirectory, nil:
            return .failed(.notFound(.final))
        }
    }

    public func attributes(_ inode: InodeNumber, _ failures: Failures = [:]) -> Attempt<Attributes> {
        switch inode.target {
        case .scopeDirectory(let id) where id < scopeDirectories.all.count:
            return scopeDirectoryAttributes(id, failures)
        case .kitfile: return .done(kitfileAttributes)
        case .entry(let layer, let epoch, let number):
            guard let (mounted, index, _) = entry(layer, epoch, number) else { return .failed(.stale) }
            return attributes(mounted, index, number)
        case .scopeDirectory, nil: return .failed(.notFound(.final))
        }
    }

    /// The target of a symbolic link.
    public func target(_ inode: InodeNumber) -> Attempt<[UInt8]> {
        guard case .entry(let layer, let epoch, let number) = inode.target else { return .failed(.notSymbolicLink) }
        guard let (_, _, entry) = entry(layer, epoch, number) else { return .failed(.stale) }
        guard case .symbolicLink(let target) = entry.kind else { return .failed(.notSymbolicLink) }
        return .done(target)
    }

    // MARK: Parts

    /// nil unless the layer's entries are known, are those that the epoch says, and this is one of them.
    func entry(
        _ layer: Int, _ epoch: UInt8, _ number: LayerIndex.Number
    ) -> (MountedLayer, LayerIndex, LayerIndex.Entry)? {
        guard layers.indices.contains(layer), let index = layers[layer].layer.index, index.epoch == epoch,
            let entry = index.entry(number)
        else { return nil }
        return (layers[layer], index, entry)
    }

    /// Layers whose declared path is this one or above it.
    func layersOver(_ path: EntryPath) -> [Int] {
        layers.indices.filter { layers[$0].scope.contains(path) }
    }

    /// Those of some layers whose entries are known, in order, and what is wrong with the others.
    struct Candidates {
        var usable: [(mounted: MountedLayer, index: LayerIndex)] = []
        /// Why a known layer is not part of the tree.
        var refusal: FileSystemError?
        /// The last layer that could not be provided.
        var failure: (ordinal: Int, error: FileSystemError)?

        /// Why the names of a directory that all of these may have names in cannot be told.
        var error: FileSystemError? { failure?.error ?? refusal }
    }

    /// The indexes of these layers: each is needed, or has failed.
    func candidates(_ wanted: [Int], _ failures: Failures) -> Attempt<Candidates> {
        var found = Candidates()
        var needs: [Need] = []
        let indexes = wanted.map { layers[$0].layer.index }
        let refusals = refusals(zip(wanted, indexes).filter { $0.1 != nil }.map(\.0))
        for (ordinal, index) in zip(wanted, indexes) {
            let mounted = layers[ordinal]
            if let index {
                if let refusal = refusals[ordinal] {
                    found.refusal = found.refusal ?? refusal
                } else {
                    found.usable.append((mounted, index))
                }
            } else if let error = failures[ordinal] {
                found.failure = (ordinal, .layer(mounted.layer.key, error))
            } else {
                needs.append(Need(what: .index, layer: ordinal))
            }
        }
        return needs.isEmpty ? .done(found) : .needs(needs)
    }

    /// What is at a path where only these layers can have something. Of directories the first counts, as unpacking
    /// leaves alone what is there; of files the last.
    func resolve(_ path: EntryPath, among wanted: [Int], _ failures: Failures) -> Attempt<Attributes> {
        switch candidates(wanted, failures) {
        case .failed(let error): return .failed(error)
        case .needs(let needs): return .needs(needs)
        case .done(let candidates):
            var best: (mounted: MountedLayer, index: LayerIndex, entry: LayerIndex.Entry)?
            for (mounted, index) in candidates.usable {
                guard let number = mounted.number(at: path, in: index), let entry = index.entry(number) else {
                    continue
                }
                if best == nil || !entry.isDirectory { best = (mounted, index, entry) }
            }
            // What cannot be had matters where it could replace what was found.
            if let failure = candidates.failure, failure.ordinal > best?.mounted.ordinal ?? -1 {
                return .failed(failure.error)
            }
            guard let best else {
                let validity = candidates.usable.reduce(.final) { Validity.both($0, $1.index.validity) }
                return .failed(candidates.refusal ?? .notFound(validity))
            }
            return attributes(best.mounted, best.index, best.entry.number)
        }
    }

    /// The file that a layer has where others only need a directory; nil if no layer that is known has one.
    private func file(inPlaceOf id: Int) -> Attributes? {
        let path = scopeDirectories.all[id].path
        let known = scopeDirectories.all[id].over.filter { layers[$0].layer.index != nil }
        guard !known.isEmpty, case .done(let found) = resolve(path, among: known, [:]), found.kind != .directory else {
            return nil
        }
        // A file that comes first shuts out the layers below it.
        let refusals = refusals(known)
        let first = scopeDirectories.all[id].under.first { refusals[$0] == nil }
        guard let target = found.inode.target, case .entry(let layer, _, _) = target else { return nil }
        return first.map { layer < $0 } ?? true ? found : nil
    }

    /// Why each layer cannot be part of the tree. `known`: layers that must have been decided, for their entries are known:
    /// they are so a moment before the generation says it.
    private func refusals(_ known: [Int]) -> [FileSystemError?] {
        let generation = store.indexGeneration
        let (refusals, news) = decisions.withLock { decisions -> ([FileSystemError?], [LayerRefusals.News]) in
            if decisions.generation == generation, known.allSatisfy(decisions.isDecided) {
                return (decisions.refusals, [])
            }
            let news = decisions.update(layers, generation: generation)
            return (decisions.refusals, news)
        }
        for item in news { item.layer.layer.report(item.reason) }
        return refusals
    }

    func attributes(_ mounted: MountedLayer, _ index: LayerIndex, _ number: LayerIndex.Number) -> Attempt<Attributes> {
        guard let entry = index.entry(number) else { return .failed(.notFound(.provisional)) }
        let kind: Attributes.Kind
        let size: UInt64
        switch entry.kind {
        case .file(let content): (kind, size) = (.file, content.count)
        case .directory(let children): (kind, size) = (.directory, UInt64(children.count))
        case .symbolicLink(let target): (kind, size) = (.symbolicLink, UInt64(target.count))
        }
        return .done(
            Attributes(
                inode: InodeNumber(.entry(layer: mounted.ordinal, epoch: index.epoch, number: number)), kind: kind,
                mode: kind == .symbolicLink ? 0o777 : modes.shown(mounted.mode(entry)), size: size,
                modified: mounted.time(entry), validity: index.validity))
    }

    /// A scope directory exists as long as any layer that might have it is unknown. Its mode and time are those of the
    /// first layer, in the manifest's order, whose headers can be read without its content.
    func scopeDirectoryAttributes(_ id: Int, _ failures: Failures) -> Attempt<Attributes> {
        let directory = scopeDirectories.all[id]
        func shown(_ mode: UInt16, _ time: Int64, _ validity: Validity) -> Attempt<Attributes> {
            .done(
                Attributes(
                    inode: InodeNumber(.scopeDirectory(id)), kind: .directory, mode: modes.shown(mode), size: 0,
                    modified: time,
                    validity: validity))
        }
        if id == 0 { return shown(0o755, kitTime, .final) }
        var isKnown = true
        let wanted = (directory.over + directory.under).sorted()
        let refusals = refusals(wanted.filter { layers[$0].layer.index != nil })
        for ordinal in wanted {
            let mounted = layers[ordinal]
            // What is not part of the tree says nothing about it, not even that there is nothing.
            guard refusals[ordinal] == nil else {
                isKnown = false
                continue
            }
            if mounted.implies(directory.path) {
                return shown(0o755, kitTime, isKnown ? .final : .provisional)
            }
            if let index = mounted.layer.index {
                guard let number = mounted.number(at: directory.path, in: index), let entry = index.entry(number),
                    entry.isDirectory
                else { continue }
                return shown(entry.mode, mounted.time(entry), isKnown ? index.validity : .provisional)
            }
            if mounted.layer.canIndexWithoutContent, failures[ordinal] == nil {
                return .needs([Need(what: .index, layer: ordinal)])
            }
            isKnown = false
        }
        return isKnown ? .failed(.notFound(.provisional)) : shown(0o755, kitTime, .provisional)
    }

    var kitfileAttributes: Attributes {
        Attributes(
            inode: .kitfile, kind: .file, mode: modes.shown(0o644), size: UInt64(kitfile.count), modified: kitTime,
            validity: .final)
    }
}

extension LayerIndex {
    var validity: Validity { isVerified ? .final : .provisional }
}

extension LayerIndex.Entry {
    var isDirectory: Bool { if case .directory = kind { true } else { false } }
}
