// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

@testable import ModelKit
@testable import OCI

extension FuzzTarget {
    /// Manifests, and the image indexes of layouts.
    static let manifest = FuzzTarget(name: "manifest") { bytes in
        var descriptors: [Descriptor] = []
        do throws(ManifestError) {
            descriptors += try ImageIndex(parsing: bytes).manifests
        } catch { require(!error.description.isEmpty, "an error without words") }
        do throws(ManifestError) {
            let manifest = try Manifest(parsing: bytes)
            descriptors += [manifest.config] + manifest.layers
            if let type = manifest.artifactType { require(MediaType(type.description) == type, "\(type)") }
        } catch { require(!error.description.isEmpty, "an error without words") }
        for descriptor in descriptors.prefix(50) { try ManifestReadings.check(descriptor) }
    }

    /// A manifest, a NUL, and its config, whose digest is not checked.
    static let kit = FuzzTarget(name: "kit", seeds: { ManifestReadings.kitSeeds }) { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2,
            let document = try? ResolvedDocument(bytes: Array(parts[0]), expected: nil, at: "here"),
            let resolved = ResolvedManifest(document),
            let kit = try? Kit(resolved: resolved, kind: .modelKit, config: Array(parts[1]))
        else { return }
        ManifestReadings.check(kit)
    }
}

enum ManifestReadings {
    static func check(_ descriptor: Descriptor) throws {
        require(descriptor.size <= UInt64(Int64.max), "\(descriptor)")
        let again = try JSONDecoder().decode(Descriptor.self, from: JSONEncoder().encode(descriptor))
        require(again == descriptor, "\(descriptor) comes back as \(again)")
        require(Digest(descriptor.digest.description) == descriptor.digest, "\(descriptor.digest)")
        _ = LayerType(descriptor)
    }

    static func check(_ kit: Kit) {
        require(
            kit.layers.count + kit.hiddenLayers.count <= kit.resolved.manifest.layers.count,
            "more layers than there are")
        for layer in kit.layers {
            require(layer.base.contains(layer.path), "\(layer.path) is not below \(layer.base)")
            require(
                (try? EntryPath(parsing: Array(layer.path.names.map(\.bytes).joined(separator: [47])))) == layer.path,
                "\(layer.path)")
            if let file = layer.file { check(file) }
        }
        require(kit.size >= kit.layers.map(\.descriptor.size).max() ?? 0, "a kit smaller than a layer")
        if let parent = kit.parent { ReferenceReadings.check(parent) }
    }

    static func check(_ file: FileAnnotations) {
        require(file.mode ?? 0 <= 0o7777, "mode \(file.mode ?? 0)")
        require(file.size ?? 0 <= UInt64(Int64.max), "a file of \(file.size ?? 0) bytes")
    }

    static var kitSeeds: [[UInt8]] {
        let digest = "sha256:" + String(repeating: "ab", count: 32)
        func descriptor(_ type: String) -> String {
            #"{"mediaType":"application/vnd.kitops.modelkit.\#(type)","digest":"\#(digest)","size":3}"#
        }
        let manifest =
            #"{"schemaVersion":2,"config":\#(descriptor("config.v1+json")),"layers":[\#(descriptor("model.v1.tar")),"#
            + #"\#(descriptor("code.v1.tar+gzip")),\#(descriptor("dataset.v1.raw"))]}"#
        let config =
            #"{"manifestVersion":"1.0.0","model":{"path":"./m","digest":"\#(digest)","parts":[{"path":"p"}]},"#
            + #""code":[{"path":"."}],"datasets":[{"path":"a/b","name":"x"}],"prompts":[]}"#
        let child = #"{"model":{"path":"127.0.0.1:5055/plain-small:v1"}}"#
        let bare = #"{"schemaVersion":2,"config":\#(descriptor("config.v1+json")),"layers":null}"#
        return [manifest + "\0" + config, bare + "\0" + child].map { Array($0.utf8) }
    }
}
