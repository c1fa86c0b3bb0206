// SPDX-License-Identifier: Apache-2.0

/// The keys of what `--json` prints. A key without a value is left out.
struct JSONKeys {
    struct Part {
        let title: String
        let keys: [(term: String, text: String)]
    }

    let intro: String
    let parts: [Part]

    static func of(_ command: String) -> JSONKeys? {
        switch command {
        case "status": status
        case "doctor": doctor
        case "ls": ls
        case "inspect": inspect
        case "list": cacheList
        case "verify": cacheVerify
        default: nil
        }
    }

    private static let status = JSONKeys(
        intro: """
            With --json, an array is printed that has an object for each mount. Sizes are in bytes, times in seconds since \
            1970. A key without a value is left out.
            """,
        parts: [
            Part(
                title: "A mount",
                keys: [
                    ("reference", "What was mounted."),
                    ("digest", "The digest of its manifest, which the mount stays with."),
                    ("directory", "Where it is mounted."),
                    ("isPrivate", "Whether only a command of kitfs-run(1) sees it there."),
                    ("pid", "The process that serves it."),
                    ("alive", "Whether that process lives. If it does not, `kitfs unmount` takes the mount away."),
                    ("stopped", "Whether that process is stopped by a signal or a debugger."),
                    ("started", "When it was mounted."),
                    ("version", "The version of kitfs that serves it."),
                    ("verify", "When bytes are served: the value of --verify."),
                    ("cache", "The cache that it fills."),
                    ("log", "The file that it logs to; left out in the foreground."),
                    ("io", "How large files of the cache are read, once that is known."),
                    ("io.mode", "passthrough: by the kernel itself. read: through the mount's process."),
                    ("io.reason", "Why it is not passthrough."),
                    ("layers", "The layers that the mount shows, in the order of the manifest, parents' layers first."),
                ]),
            Part(
                title: "A layer",
                keys: [
                    ("kind", "As of the Kitfile: model, modelpart, dataset, code, docs, prompt, mcpServer."),
                    ("path", "Where it is in the mount."),
                    ("name", "Its name in the Kitfile."),
                    ("digest", "The digest of its blob."),
                    ("size", "The size of its blob."),
                    ("cached", "How much of that is in the cache."),
                    (
                        "state",
                        """
                        One of absent, partial, fetching, verifying, cached, failed. It is unknown of another user's mount whose \
                        process is dead.
                        """
                    ),
                    ("received", "How much this mount has fetched of it, including bytes that were dropped again."),
                    (
                        "rate",
                        "By how much cached has grown each second, over the last seconds, whichever process fetches."
                    ),
                    ("secondsLeft", "How long the rest takes at that rate."),
                    ("error", "The last error, also while the fetch is tried again. Left out once all is well."),
                    ("errorTime", "When that error was first seen."),
                    ("waiters", "How many operations wait for it."),
                    ("waits", "These operations, by their kind."),
                ]),
            Part(
                title: "A wait",
                keys: [
                    ("operation", "One of open, lookup, list, read, stat."),
                    ("count", "How many wait."),
                    ("since", "When the first of them began to wait."),
                    ("processes", "At most 16 of the processes that wait: pid, and command where it is known."),
                ]),
        ])

    private static let doctor = JSONKeys(
        intro: "With --json, an object is printed.",
        parts: [
            Part(
                title: "The report",
                keys: [
                    ("version", "The version of kitfs."),
                    ("well", "Whether there is no problem."),
                    ("checks", "The checks, in order."),
                ]),
            Part(
                title: "A check",
                keys: [
                    ("check", "The name of the check."),
                    ("verdict", "One of ok, note, problem."),
                    ("text", "What was found."),
                    ("remedy", "The remedy. Left out where there is nothing to mend."),
                ]),
        ])
}
