// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
internal import OCI

/// Which layers cannot be part of the tree, as far as entries are known: those that have entries outside of their path,
/// and those that have a file where an earlier layer that is part of it has a directory, or the other way about.
///
/// Entries become known layer by layer. Each arrival is compared with the layers that it overlaps, once, so that a kit of
/// many layers at one path costs a comparison a pair.
struct LayerRefusals: Sendable {
    /// Under which each layer's entries were looked at; nil while they are unknown.
    private var epochs: [UInt8?]
    private var misplaced: [EntryPath?]
    /// Of each layer, where it meets earlier ones in such a way, by their ordinals.
    private var conflicts: [[Int: EntryPath]]
    /// Why each layer cannot be part of the tree; nil for those that can, and those that are unknown.
    private(set) var refusals: [FileSystemError?]
    /// Of the store's indexes, when this was last worked out.
    private(set) var generation: UInt64?

    init(count: Int, generation: UInt64? = nil) {
        self.generation = generation
        epochs = [UInt8?](repeating: nil, count: count)
        misplaced = [EntryPath?](repeating: nil, count: count)
        conflicts = [[Int: EntryPath]](repeating: [:], count: count)
        refusals = [FileSystemError?](repeating: nil, count: count)
    }

    func isDecided(_ ordinal: Int) -> Bool { epochs[ordinal] != nil }

    /// A layer that is refused now and was not, or for another reason.
    struct News: Sendable {
        let layer: MountedLayer
        let reason: String
    }

    /// Takes what is known of the layers by now. Returns what is to be reported.
    mutating func update(_ layers: [MountedLayer], generation: UInt64) -> [News] {
        self.generation = generation
        let indexes = layers.map(\.layer.index)
        for (ordinal, index) in indexes.enumerated() where index?.epoch != epochs[ordinal] {
            epochs[ordinal] = index?.epoch
            misplaced[ordinal] = index.flatMap { layers[ordinal].misplacedEntry(in: $0) }
            compare(ordinal, layers, indexes)
        }
        return decide(layers)
    }

    /// Compares a layer whose entries are others now with those that it overlaps.
    private mutating func compare(_ ordinal: Int, _ layers: [MountedLayer], _ indexes: [LayerIndex?]) {
        for other in layers[ordinal].overlaps where other != ordinal {
            let (later, earlier) = (max(ordinal, other), min(ordinal, other))
            conflicts[later][earlier] = indexes[later].flatMap {
                layers[later].conflict($0, with: layers[earlier], indexes[earlier])
            }
        }
    }

    private mutating func decide(_ layers: [MountedLayer]) -> [News] {
        var news: [News] = []
        for layer in layers {
            let before = refusals[layer.ordinal]
            let conflict = conflicts[layer.ordinal].filter { refusals[$0.key] == nil }.min { $0.key < $1.key }
            if let path = misplaced[layer.ordinal] {
                refusals[layer.ordinal] = .misplaced(layer.layer.key, path)
                if before != refusals[layer.ordinal] {
                    news.append(
                        News(
                            layer: layer,
                            reason: "“\(path)” is outside of the layer's declared path, \(layer.scope)"))
                }
            } else if let path = conflict?.value {
                refusals[layer.ordinal] = .conflicting(layer.layer.key, path)
                if before != refusals[layer.ordinal] {
                    news.append(
                        News(
                            layer: layer,
                            reason: "“\(path)” is a directory in one of its kit's layers, and none in another"))
                }
            } else {
                refusals[layer.ordinal] = nil
            }
        }
        return news
    }
}
