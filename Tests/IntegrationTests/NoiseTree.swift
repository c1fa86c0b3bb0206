// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// A layer of noise, with a large member and a small one in a directory, and the expected content of its files by path
/// in the kit.
struct NoiseTree {
    let layer: KitBuilder.Layer
    let files: [String: [UInt8]]

    /// - Parameter large: bytes of the large member, a multiple of 8.
    init(
        _ kind: KitBuilder.Kind, _ name: String, large: Int, compression: LayerCompression?, _ random: inout SplitMix64
    ) {
        var tar = TarBuilder()
        var files: [String: [UInt8]] = [:]
        tar.directory(name)
        for (file, size) in [("large", large), ("small", 8_000)] {
            let words = (0..<size / 8).map { _ in random.next() }
            let content = words.withUnsafeBytes { Array($0) }
            files["\(name)/\(file)"] = content
            tar.file("\(name)/\(file)", content)
        }
        var layer = KitBuilder.Layer(kind, name, tar: tar.finish())
        layer.compression = compression
        (self.layer, self.files) = (layer, files)
    }
}
