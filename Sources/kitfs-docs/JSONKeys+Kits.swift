// SPDX-License-Identifier: Apache-2.0

/// Of the commands that tell of a kit or of the cache.
extension JSONKeys {
    static let ls = JSONKeys(
        intro: "With --json an object is printed on a line for each entry.",
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
        intro: "With --json an object is printed. Sizes are in bytes. What has no value is left out.",
        parts: [
            Part(
                title: "The kit",
                keys: [
                    ("reference", "What was asked for."),
                    ("digest", "The digest of its manifest."),
                    ("previousDigest", "What the tag meant when it was last asked, if that was something else."),
                    ("size", "The size of its layers, parents' included."),
                    ("kitfile", "Its Kitfile, as the config has it."),
                    ("layers", "What a mount shows, in the order of the manifest, parents' layers first."),
                    ("hiddenLayers", "What is in the manifest and not in the tree."),
                    ("remoteDatasets", "What the Kitfile names and the kit does not have."),
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
        intro: "With --json an array is printed, with an object for each layer. Sizes are in bytes.",
        parts: [
            Part(
                title: "A layer",
                keys: [
                    ("digest", "The digest of its blob."),
                    ("form", "How it is packed: what the same blob is read as may differ."),
                    ("kind", "What part of a kit it was seen as; left out where that is not known."),
                    ("kits", "The references of the kits that it was seen in."),
                    ("size", "The size of its blob."),
                    ("cached", "How much of that is here."),
                    ("onDisk", "What it takes on the disk."),
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
                    ("bytes", "How many bytes that were."),
                    ("dropped", "What was wrong, and is not there any more: its name, and the reason."),
                    ("name", "Of what was dropped, its path in the cache."),
                    ("reason", "What was wrong with it."),
                ])
        ])
}
