// SPDX-License-Identifier: Apache-2.0

/// What a command's definition does not tell: what it ends with, what it looks at, and what its JSON means.
enum CommandNotes {
    static func sections(of command: ToolDump.Command, _ root: ToolDump.Command) -> [String] {
        var lines = json(of: command)
        lines += [".Sh ENVIRONMENT"] + Mdoc.list(environment)
        lines += [".Sh FILES"] + Mdoc.list(files, macro: "Pa")
        lines += [".Sh EXIT STATUS"] + Mdoc.list(exitCodes(of: command.commandName), macro: "Li")
        let examples = examples(of: command)
        if !examples.isEmpty { lines += [".Sh EXAMPLES"] + Mdoc.example(examples) }
        return lines
    }

    /// The indented lines of the discussion.
    private static func examples(of command: ToolDump.Command) -> [String] {
        (command.discussion ?? "").split(separator: "\n").filter { $0.hasPrefix("  ") }.map { String($0.dropFirst(2)) }
    }

    private static let environment: [(term: String, text: String)] = [
        ("KITFS_CACHE", "The cache directory, unless --cache names one."),
        ("XDG_CACHE_HOME", "The directory that has a user's cache, as kitfs. [default: ~/.cache]"),
        ("XDG_RUNTIME_DIR", "The directory that has the records of a user's mounts, as kitfs."),
        ("KITOPS_HOME", "The directory of kit, with its local store."),
        ("KITOPS_CLIENT_CERT", "A client certificate, unless --cert names one. KITOPS_CLIENT_KEY names its key."),
        ("REGISTRY_AUTH_FILE", "The file with credentials, unless --authfile names one."),
        ("DOCKER_CONFIG", "The directory of docker's config.json, which has credentials."),
        ("CONTAINERS_REGISTRIES_CONF", "The file to read instead of registries.conf."),
        (
            "https_proxy",
            "The proxy for HTTPS. Also http_proxy and all_proxy; no_proxy names hosts that are reached without one."
        ),
    ]

    private static let files: [(term: String, text: String)] = [
        ("/var/cache/kitfs", "Root's cache. Every user who may read it looks in it, too."),
        ("~/.cache/kitfs", "A user's cache."),
        ("/etc/kitfs/kitfs.conf", "Defaults for options: see kitfs.conf(5)."),
        ("/run/kitfs", "Records of root's live mounts, and their logs."),
        ("/etc/containers/registries.conf", "Mirrors, and the registries that are insecure or blocked."),
        ("/etc/containers/certs.d", "Certificates. Each registry has a directory of its own."),
    ]

    private static func exitCodes(of name: String) -> [(term: String, text: String)] {
        switch name {
        case "doctor":
            return [("0", "A mount has all that it needs."), ("1", "There is a problem."), ("2", "Wrong usage.")]
        case "run":
            return [
                ("125", "The mount failed, or kitfs did."), ("126", "The command cannot be run."),
                ("127", "The command was not found."),
                ("other", "The command's own code; 128 and the signal's number if a signal killed it."),
            ]
        default:
            return [
                ("0", "Done."), ("1", "Failed, or a file of your settings cannot be used."), ("2", "Wrong usage."),
                ("3", "The reference was not found."), ("4", "Not authorised."),
                ("5", "The registry cannot be reached."), ("6", "Not a ModelKit, or unusable content."),
                ("7", "The mount point is busy or unusable."),
            ]
        }
    }

    private static func json(of command: ToolDump.Command) -> [String] {
        guard let keys = JSONKeys.of(command.commandName) else { return [] }
        var lines = [".Sh JSON"] + Mdoc.prose(keys.intro)
        for part in keys.parts {
            lines += [".Ss \(part.title)"] + Mdoc.list(part.keys, macro: "Li")
        }
        return lines
    }
}
