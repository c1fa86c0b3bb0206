// SPDX-License-Identifier: Apache-2.0

/// The tar of one layer of a random kit.
struct RandomTar {
    typealias Path = UnpackedKit.Path

    /// Whether the tar is as kit writes it. If not, it is as GNU tar may write it: names with `./` and trailing
    /// slashes, in any order, with directories missing.
    private let isPlain: Bool
    /// The number of names that are left out of each path: those of the directory that an old kit's tar is relative to.
    private let baseCount: Int
    private var tar = TarBuilder()
    /// The files that a hard link can name.
    private var files: [Path] = []

    /// Sometimes has a directory where the tree has a file, or a name beside the declared path.
    ///
    /// - Parameter declared: the layer's path in the kit.
    static func make(
        _ tree: RandomTree, declared: RandomTree.Item, baseCount: Int, _ random: inout SplitMix64
    ) -> [UInt8] {
        var layer = RandomTar(isPlain: random.chance(60), baseCount: baseCount)
        if random.chance(5) { return layer.tar.finish() }
        for count in baseCount..<max(baseCount, declared.path.count) where layer.isPlain || random.chance(50) {
            layer.add(RandomTree.Item(path: Array(declared.path.prefix(count)), isDirectory: true), &random)
        }
        var items = tree.items.filter {
            $0.path.starts(with: declared.path) && ($0.path == declared.path || random.chance(75))
        }
        if random.chance(6), !items.isEmpty {
            items[Int.random(in: 0..<items.count, using: &random)].isDirectory.toggle()
        }
        if !layer.isPlain { items.shuffle(using: &random) }
        for item in items { layer.add(item, &random) }
        if random.chance(2), declared.path.count > baseCount {
            layer.add(
                RandomTree.Item(path: declared.path.dropLast() + [Array("beside".utf8)], isDirectory: false), &random)
        }
        return layer.tar.finish()
    }

    private init(isPlain: Bool, baseCount: Int) {
        self.isPlain = isPlain
        self.baseCount = baseCount
    }

    private mutating func add(_ item: RandomTree.Item, _ random: inout SplitMix64) {
        let name = name(item)
        guard !name.isEmpty else { return }
        guard !item.isDirectory else {
            if !isPlain, random.chance(30) { return }
            let modes: [UInt16] = [0o755, 0o755, 0o700, 0o750, 0o1777, 0o2775, 0o555]
            for _ in 0..<(random.chance(10) ? 2 : 1) { write(name, type: "5", mode: random.pick(modes)) }
            return
        }
        let mode = random.pick([0o644, 0o644, 0o600, 0o755, 0o444, 0o400, 0o4755, 0o2711, 0o1666] as [UInt16])
        switch Int.random(in: 0..<100, using: &random) {
        case ..<8:
            files.removeAll { $0 == item.path }
            write(
                name, type: "2", mode: 0o777,
                target: random.chance(50) ? RandomTree.name(&random) : Array("../../etc".utf8))
            return
        case ..<16:
            if let target = files.filter({ $0 != item.path }).randomElement(using: &random) {
                write(name, type: "1", mode: mode, target: self.name(RandomTree.Item(path: target, isDirectory: false)))
                files.append(item.path)
                return
            }
        case ..<24:
            write(name, type: "0", mode: mode, Self.content(&random))
        default: break
        }
        write(name, type: "0", mode: mode, Self.content(&random))
        files.append(item.path)
    }

    private func name(_ item: RandomTree.Item) -> [UInt8] {
        let path = item.path.dropFirst(baseCount)
        let name = Array(path.joined(separator: [UInt8(ascii: "/")]))
        if isPlain || name.isEmpty { return name }
        return Array("./".utf8) + name + (item.isDirectory ? [UInt8(ascii: "/")] : [])
    }

    private mutating func write(
        _ name: [UInt8], type: Character, mode: UInt16, _ content: [UInt8] = [], target: [UInt8] = []
    ) {
        guard isPlain else {
            tar.gnu(name, type: type, content, mode: mode, target: target)
            return
        }
        switch type {
        case "5": tar.directory(name, mode: mode)
        case "2": tar.symlink(name, to: target)
        case "1": tar.hardLink(name, to: target, mode: mode)
        default: tar.file(name, content, mode: mode)
        }
    }

    /// Sizes around the block size of tar, and around the size from which a member has a file of its own in the cache.
    static func content(_ random: inout SplitMix64) -> [UInt8] {
        let sizes =
            random.chance(2) ? [(1 << 20) - 1, 1 << 20, (1 << 20) + 1] : [0, 1, 511, 512, 513, 1023, 1024, 1025]
        let size = random.chance(10) ? Int.random(in: 0..<70_000, using: &random) : random.pick(sizes)
        let isNoise = random.chance(50)
        let byte = UInt8.random(in: 0...255, using: &random)
        guard isNoise else { return [UInt8](repeating: byte, count: size) }
        var words = [UInt64](repeating: 0, count: (size + 7) / 8)
        for index in words.indices { words[index] = random.next() }
        return words.withUnsafeBytes { Array($0.prefix(size)) }
    }
}
