// SPDX-License-Identifier: Apache-2.0

/// Of the commands that tell of a kit or of the cache.
extension JSONKeys {
    static let ls = JSONKeys(
        intro: "With --json, a line is printed for each entry, with an object.",
        parts: [
            Part(
                title: "An entry",
                keys: [
                    ("path", "Its path in the kit."),
                    ("type", "One of f, a file; d, a directory; l, a symbolic link."),
                    ("mode", "Its permissions, octal, as a string."),
                    ("size", "Its size in bytes."),
                    ("modified", "When its content was modified, in seconds since 1970."),
                ])
        ])

    static let inspect = JSONKeys(
        intro: "With --json, an object is printed. Sizes are in bytes. A key without a value is left out.",
        parts: [
            Part(
                title: "The kit",
                keys: [
                    ("reference", "The reference that was asked for."),
                    ("digest", "The digest of its manifest."),
                    ("previousDigest", "The digest that the tag had when it was last asked, if that was another."),
                    ("size", "The size of its layers, parents' included."),
                    ("kitfile", "Its Kitfile, as the config has it."),
                    ("layers", "The layers that a mount shows, in the order of the manifest, parents' layers first."),
                    ("hiddenLayers", "The layers of the manifest that a mount does not show."),
                    ("remoteDatasets", "The datasets that the Kitfile names and the kit does not have."),
                    ("parents", "The kits that its model comes from, nearest first."),
                ]),
            Part(
                title: "A layer",
                keys: [
                    ("kind", "As of the Kitfile: model, modelpart, dataset, code, docs, prompt, mcpServer."),
                    ("path", "Where it is in a mount."),
                    ("name", "Its name in the Kitfile."),
                    ("mediaType", "The media type of its blob."),
                    ("digest", "The digest of its blob."),
                    ("size", "The size of its blob."),
                    ("cached", "How much of that is in the cache."),
                    ("state", "As kitfs-status(1) has it."),
                    ("from", "The kit that it is in: this one, or a parent."),
                ]),
            Part(
                title: "A hidden layer",
                keys: [
                    ("mediaType", "The media type of its blob."),
                    ("digest", "The digest of its blob."),
                    ("size", "The size of its blob."),
                    ("reason", "Why it is not shown."),
                ]),
            Part(
                title: "A remote dataset",
                keys: [
                    ("name", "Its name in the Kitfile."),
                    ("remotePath", "Where the Kitfile says it is."),
                    ("remoteHash", "What the Kitfile says its hash is."),
                ]),
        ])

    static let cacheList = JSONKeys(
        intro: "With --json, an array is printed that has an object for each layer. Sizes are in bytes.",
        parts: [
            Part(
                title: "A layer",
                keys: [
                    ("digest", "The digest of its blob."),
                    ("form", "How it is read: tar or raw, and its compression. One blob may be read in several forms."),
                    ("kind", "The part of a kit that it was seen as. Left out where that is not known."),
                    ("kits", "The references of the kits that it was seen in."),
                    ("size", "The size of its blob."),
                    ("cached", "How much of that is here."),
                    ("onDisk", "How much of the disk it takes."),
                    ("whole", "Whether all of it is here, verified."),
                    ("lastUse", "When a file of it was last opened, to a minute; seconds since 1970."),
                    ("inUse", "Whether a process has it open."),
                    ("mounts", "Where live mounts that list it are mounted."),
                ])
        ])

    static let cacheVerify = JSONKeys(
        intro: "With --json an object is printed.",
        parts: [
            Part(
                title: "The report",
                keys: [
                    ("layers", "How many layers were read."),
                    ("bytes", "How many bytes were read."),
                    ("dropped", "The damaged entries, which were deleted: name and reason of each."),
                    ("name", "The path in the cache of what was dropped."),
                    ("reason", "What was wrong with it."),
                ])
        ])
}
