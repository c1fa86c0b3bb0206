// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// A kit of three layers behind a line that can be made slow, silent or dead.
final class SlowKit {
    let registry: DockerRegistry
    let line: FaultProxy
    let reference: String
    static let layerSize = 3 << 20
    static let paths = [
        "first", "second/with a rather long path below it/that no terminal of forty columns has room for", "模型/権重",
    ]

    init(_ bench: CommandFixture) throws {
        registry = try DockerRegistry()
        let layout = try bench.directory.subdirectory("slow")
        var kit = KitBuilder(directory: layout)
        for (number, path) in Self.paths.enumerated() {
            let kind: KitBuilder.Kind = [.model, .dataset, .docs][number]
            var tar = TarBuilder()
            tar.file("\(path)/bytes", noise(Self.layerSize, seed: UInt64(number + 1)))
            try kit.addLayer(kind: kind, path: path, tar: tar.finish())
        }
        try kit.write(tag: "v1", package: "slow")
        try registry.push(layout: layout, tag: "v1", to: "slow:v1")
        line = try FaultProxy(upstreamPort: registry.port)
        reference = "\(line.host)/slow:v1"
    }
}
