// SPDX-License-Identifier: Apache-2.0

@testable import DurableFiles
@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore
@testable import OCI

extension FuzzTarget {
    static let reference = FuzzTarget(
        name: "reference", seeds: { ReferenceReadings.seeds.map { Array($0.utf8) } }
    ) { bytes in
        do throws(ReferenceError) {
            ReferenceReadings.check(try Reference(parsing: String(decoding: bytes, as: UTF8.self)))
        } catch { require(!error.description.isEmpty, "an error without words") }
    }

    /// The small parsed values: paths of members, names of cached layers, digests, media types, forms, hosts.
    static let names = FuzzTarget(
        name: "names", seeds: { ReferenceReadings.names.map { Array($0.utf8) } }
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let digest = Digest(text) { require(Digest(digest.description) == digest, "\(digest)") }
        if let type = MediaType(text) { require(MediaType(type.description) == type, "\(type)") }
        if let form = LayerForm(text) { require(LayerForm(form.description) == form, "\(form)") }
        if let key = LayerKey(text) {
            require(LayerKey(key.description) == key, "\(key)")
            require(!key.description.contains("/"), "\(key) is no file's name")
        }
        do throws(EntryPathError) {
            let path = try EntryPath(parsing: bytes)
            let spelled = Array(path.names.map(\.bytes).joined(separator: [47]))
            require(try EntryPath(parsing: spelled) == path, "\(path) comes back as another")
            require(EntryPath.root.contains(path) && path.contains(path), "\(path)")
        } catch { require(!error.description.isEmpty, "an error without words") }
        require(EntryPath.printable(bytes).utf8.allSatisfy { $0 >= 32 && $0 != 127 }, "not printable")
    }
}

enum ReferenceReadings {
    /// A printed reference parses to the same reference.
    static func check(_ reference: Reference) {
        let again = try? Reference(parsing: reference.description)
        require(again == reference, "\(reference) comes back as \(String(describing: again))")
        require(reference.tag != nil || reference.digest != nil, "\(reference) names nothing")
    }

    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    static let seeds = [
        "mymodel:v1", "team/everything", "127.0.0.1:5055/plain-small:v1", "ghcr.io/a/b__c/d-e.f:1.0_x-y@" + digest,
        "[::1]:5000/x@" + digest, "oci:/tmp/layout", "oci:./a:b:c:v1", "oci:dir/@x:latest@" + digest, "localhost:1/x",
        "a.b/c@sha512:" + String(repeating: "0", count: 128), "x:a,b",
    ]

    static let names = [
        digest, "sha512:" + String(repeating: "9", count: 128),
        "sha256-" + String(repeating: "0a", count: 32) + ".tar+gzip",
        "application/vnd.kitops.modelkit.model.v1.tar+gzip; a=b", "tar+gzip-fastest", "raw+zstd", "./a//b/../c/",
        "a/./b", "/x", "e\u{301}/\u{e9}", "ghcr.io:443",
    ]
}
