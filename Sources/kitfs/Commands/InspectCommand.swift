// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import LayerCache
internal import LayerIndex
internal import LayerStore
internal import ModelKit
private import MountProcess
private import MountRecords
internal import OCI

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a kit's manifest, Kitfile and layers, and what of them is cached.",
        discussion: "Fetches the manifest and the Kitfile, and nothing else.")

    @Argument(help: ArgumentHelp("The kit.", valueName: "ref"), transform: KitArgument.init)
    var kit: KitArgument

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions

    struct Report: Encodable {
        let reference: String
        let digest: String
        /// What the tag meant when it was last asked, if that was something else.
        let previousDigest: String?
        let size: UInt64
        let kitfile: JSONValue
        let layers: [Layer]
        let hiddenLayers: [Hidden]
        let remoteDatasets: [Remote]
        let parents: [String]
    }

    struct Layer: Encodable {
        let kind: String
        let path: String
        let name: String?
        let mediaType: String
        let digest: String
        let size: UInt64
        let cached: UInt64
        let state: String
        let from: String
    }

    /// In the manifest, and not in the tree.
    struct Hidden: Encodable {
        let mediaType: String
        let digest: String
        let size: UInt64
        let reason: String
    }

    /// Named by the Kitfile, and not in the kit.
    struct Remote: Encodable {
        let name: String?
        let remotePath: String
        let remoteHash: String?
    }

    func run() throws {
        do {
            let locations = try cache.locations
            let cache = try locations.open()
            let before = cache.lastResolution(of: kit.reference)?.digest
            let family = try source.access.family(
                kit.reference, cache: cache, shared: locations.openShared(besides: cache))
            // Both may be those of an index, whose kit has a digest of its own.
            let hasMoved = before != cache.lastResolution(of: kit.reference)?.digest
            let report = Self.report(family, cache, before: hasMoved ? before : nil)
            if json {
                try Terminal.out(json: report)
            } else {
                try Self.show(report, family.kit)
            }
        } catch {
            throw CommandFailure(error, kit.text)
        }
    }

    private static func report(_ family: KitFamily, _ cache: CacheDirectory, before: Digest?) -> Report {
        let isPinned = family.members[0].source.reference.digest != nil
        let layers = family.members.flatMap { member in
            member.layers.map { layer in
                let status = cache.status(
                    LayerKey(digest: layer.descriptor.digest, form: layer.form), blobSize: layer.descriptor.size)
                return Layer(
                    kind: layer.kind.rawValue, path: layer.path.description, name: layer.name,
                    mediaType: layer.descriptor.mediaType.description, digest: layer.descriptor.digest.description,
                    size: layer.descriptor.size, cached: status.cached, state: status.stage.rawValue,
                    from: member.source.reference.description)
            }
        }
        return Report(
            reference: family.members[0].source.reference.description,
            digest: family.kit.resolved.digest.description,
            previousDigest: isPinned ? nil : before?.description, size: family.kit.size,
            kitfile: family.kit.kitfile.value,
            layers: layers,
            hiddenLayers: family.kit.hiddenLayers.map {
                Hidden(
                    mediaType: $0.descriptor.mediaType.description, digest: $0.descriptor.digest.description,
                    size: $0.descriptor.size, reason: $0.reason)
            },
            remoteDatasets: family.kit.kitfile.elements.filter(\.isRemote).compactMap { element in
                element.remotePath.map {
                    Remote(name: element.name, remotePath: $0, remoteHash: element.remoteHash)
                }
            },
            parents: family.members.dropFirst().map(\.source.reference.description))
    }

    private static func show(_ report: Report, _ kit: Kit) throws {
        Terminal.out("Reference  \(report.reference)\n")
        Terminal.out("Digest     \(report.digest)\n")
        if let previous = report.previousDigest { Terminal.out("Before     \(previous)\n") }
        Terminal.out("Size       \(ByteCount.text(report.size)) in \(report.layers.count) layers\n")
        for parent in report.parents { Terminal.out("Parent     \(parent)\n") }
        var table = Table(["KIND", "PATH", "LAYER", "SIZE", "CACHED", "FORM"])
        for layer in report.layers {
            let share = ByteCount.percent(layer.cached, of: layer.size)
            table.add([
                layer.kind, layer.path, Digest(layer.digest)?.short ?? layer.digest, ByteCount.text(layer.size),
                "\(share)%", String(layer.mediaType.split(separator: ".").last ?? ""),
            ])
        }
        Terminal.out("\n" + table.text)
        for layer in report.hiddenLayers {
            Terminal.out("not shown: \(layer.mediaType) \(layer.digest): \(layer.reason)\n")
        }
        for dataset in report.remoteDatasets {
            let name = dataset.name.map { " “\($0)”" } ?? ""
            let hash = dataset.remoteHash.map { " (\($0))" } ?? ""
            Terminal.out("not in the kit: dataset\(name) at \(dataset.remotePath)\(hash)\n")
        }
        Terminal.out("\n" + String(decoding: try kit.kitfile.yaml(), as: UTF8.self))
    }
}
