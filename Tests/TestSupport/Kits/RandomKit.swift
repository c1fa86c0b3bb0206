// SPDX-License-Identifier: Apache-2.0

/// A kit made from a seed: layers of one ``RandomTree``, whose declared paths overlap and nest.
public struct RandomKit {
    private var random: SplitMix64
    private var hasModel = false

    public init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// Writes the kit into an OCI layout.
    public mutating func write(layout: String, tag: String) throws {
        var kit = KitBuilder(directory: layout)
        kit.family = random.chance(60) ? .modelKit : random.pick([.modelPack, .oldModelPack])
        kit.hasDigests = kit.family != .modelKit || random.chance(75)
        kit.hasMediaTypes = random.chance(50)
        kit.hasKitfile = kit.family != .modelKit && random.chance(60)
        let tree = RandomTree(&random)
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            guard let layer = layer(kit, tree) else { continue }
            kit.add(layer)
            guard random.chance(12), layer.kind != .model else { continue }
            // Two elements with one path give the same layer twice.
            var again = layer
            again.path = spelled(layer.path)
            kit.add(again)
        }
        if kit.hasDigests, random.chance(20) {
            kit.addElement(.dataset, ["name": "elsewhere", "remotePath": "s3://bucket/data", "remoteHash": "0a1b"])
            kit.kitfileKeys = ["x-unknown": ["text": "“\n: #", "numbers": [1, 2.5, -3], "none": nil]]
        }
        try kit.write(tag: tag, package: "random")
    }

    private mutating func layer(_ kit: KitBuilder, _ tree: RandomTree) -> KitBuilder.Layer? {
        let root = RandomTree.Item(path: [], isDirectory: true)
        let declared = random.chance(20) ? root : random.pick(tree.items)
        guard let text = declared.text else { return nil }
        let archive = declared.isDirectory || random.chance(60) ? KitBuilder.Layer.Archive.tar : .raw
        var kinds = KitBuilder.Kind.allCases.filter { kind in
            switch kind {
            case .model: !hasModel
            // Prompts are newer than digests in the config, so kits without digests have none.
            case .prompt: kit.hasDigests
            case .mcpServer: archive == .raw && kit.family == .modelKit && kit.hasDigests
            default: true
            }
        }
        kinds.shuffle(using: &random)
        if kinds[0] == .model { hasModel = true }
        let path = text.isEmpty ? "." : random.chance(40) ? spelled(text) : text
        var layer: KitBuilder.Layer
        if archive == .raw {
            layer = KitBuilder.Layer(kinds[0], path, raw: RandomTar.content(&random))
            if random.chance(50) {
                layer.metadata = .init(mode: random.pick([0o600, 0o644, 0o755]), size: layer.content.count)
            }
        } else {
            let baseCount = kit.hasDigests ? 0 : max(0, declared.path.count - 1)
            layer = KitBuilder.Layer(
                kinds[0], path,
                tar: RandomTar.make(tree, declared: declared, baseCount: baseCount, &random))
        }
        layer.compression = random.pick([nil, .gzip, .zstd])
        layer.pieces = Int.random(in: 1...3, using: &random)
        if kit.family != .modelKit || (archive == .raw && random.chance(50)) {
            layer.filepath = text.isEmpty ? "." : text
        }
        return layer
    }

    /// The same path in another spelling.
    private mutating func spelled(_ path: String) -> String {
        random.pick(["./\(path)", "\(path)/", "././\(path)", path.hasPrefix("./") ? path : ".//\(path)"])
    }
}
