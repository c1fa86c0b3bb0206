// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A kit in the registry with one layer, the one that is measured.
struct MadeKit {
    let registry: DockerRegistry
    let name: String
    /// The digest of the layer's blob, in hexadecimal digits.
    let hex: String
    let size: Int
    /// The path of the same content on the local disk.
    let local: String

    var reference: String { reference(at: registry.host) }

    /// - Parameter host: `127.0.0.1:PORT` of the registry, or of a server in front of it.
    func reference(at host: String) -> String { "\(host)/\(name):v1" }

    /// The URL of the blob.
    func url(at host: String? = nil) -> String { "http://\(host ?? registry.host)/v2/\(name)/blobs/sha256:\(hex)" }

    /// Makes a blob the kit's only layer. The file is moved into the registry.
    ///
    /// - Parameter path: the layer's path in the kit.
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
