// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A kit in the registry, with one layer that matters.
struct MadeKit {
    let registry: DockerRegistry
    let name: String
    /// The layer's blob.
    let hex: String
    let size: Int
    /// The same content, local.
    let local: String

    var reference: String { reference(at: registry.host) }

    /// - Parameter host: `127.0.0.1:PORT` of what stands before the registry.
    func reference(at host: String) -> String { "\(host)/\(name):v1" }

    /// Where the blob is.
    func url(at host: String? = nil) -> String { "http://\(host ?? registry.host)/v2/\(name)/blobs/sha256:\(hex)" }

    /// Makes a blob a kit's only layer; the file is no more where it was.
    ///
    /// - Parameter path: the layer's, in the kit.
    init(
        _ ground: Ground, _ name: String, _ file: String, hex: String, kind: KitBuilder.Kind, path: String,
        isRaw: Bool = false, compression: LayerCompression? = nil, local: String = ""
    ) throws {
        (self.name, self.hex, self.local) = (name, hex, local)
        registry = try ground.registry
        var status = stat()
        guard stat(file, &status) == 0 else { throw FileReading.failure("stat \(file)") }
        size = Int(status.st_size)
        try registry.plant(file, hex: hex, in: name)
        let layout = try ground.place("layout")
        var kit = KitBuilder(directory: layout)
        var layer = isRaw ? KitBuilder.Layer(kind, path, raw: []) : KitBuilder.Layer(kind, path, tar: [])
        layer.compression = compression
        layer.planted = (hex, size)
        kit.add(layer)
        try kit.write(tag: "v1", package: name)
        try registry.push(layout: layout, tag: "v1", to: "\(name):v1")
    }
}
