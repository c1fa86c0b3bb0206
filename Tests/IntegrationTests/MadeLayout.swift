// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// An OCI layout of artifacts whose JSON the test writes itself.
struct MadeLayout {
    let path: String
    private(set) var manifests: [(json: String, tag: String)] = []

    init(_ path: String) throws {
        self.path = path
        try Command.check("mkdir", ["-p", path + "/blobs/sha256"])
        try writeFile(path + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    /// Writes a blob, and returns its descriptor as JSON. `type` is the part after `application/vnd.`.
    func blob(_ bytes: [UInt8], _ type: String, annotations: String = "{}") throws -> String {
        let hex = Sha256.hex(bytes)
        try writeFile("\(path)/blobs/sha256/\(hex)", bytes)
        return #"{"mediaType":"application/vnd.\#(type)","digest":"sha256:\#(hex)","size":\#(bytes.count),"#
            + #""annotations":\#(annotations)}"#
    }

    /// Writes a manifest with a tag, and returns its digest in hexadecimal digits.
    @discardableResult
    mutating func manifest(
        config: String, type: String = "kitops.modelkit.config.v1+json", layers: [String] = [], tag: String
    ) throws -> String {
        let json =
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#
            + #""config":\#(try blob(Array(config.utf8), type)),"layers":[\#(layers.joined(separator: ","))]}"#
        try add(json, "oci.image.manifest.v1+json", tag: tag)
        return Sha256.hex(Array(json.utf8))
    }

    /// Writes an index of all manifests so far, with a tag.
    mutating func index(tag: String) throws {
        let list = manifests.map(\.json).joined(separator: ",")
        try add(
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[\#(list)]}"#,
            "oci.image.index.v1+json", tag: tag)
    }

    private mutating func add(_ json: String, _ type: String, tag: String) throws {
        manifests.append((try blob(Array(json.utf8), type), tag))
        let tagged = manifests.map { manifest in
            manifest.json.replacing(
                #""annotations":{}"#, with: #""annotations":{"org.opencontainers.image.ref.name":"\#(manifest.tag)"}"#)
        }
        try writeFile(
            path + "/index.json",
            Array(#"{"schemaVersion":2,"manifests":[\#(tagged.joined(separator: ","))]}"#.utf8))
    }

    /// Copies the artifact with this tag, and all that it names, into a registry.
    func push(_ tag: String, to registry: DockerRegistry, _ name: String) throws {
        try Command.check(
            "skopeo",
            [
                "--insecure-policy", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false",
                "oci:\(path):\(tag)", "docker://\(registry.host)/\(name)",
            ])
    }
}
