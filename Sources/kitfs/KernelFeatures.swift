// SPDX-License-Identifier: Apache-2.0
private import CLinux
internal import FuseSession
private import Glibc

/// What of the kernel a mount can use here.
enum KernelFeatures {
    /// For a mount's log. `fuse`: the protocol's version, once the kernel has told it.
    static func text(fuse: String?, passthroughIsWanted: Bool, cache: String) -> String {
        let passthrough = passthroughIsWanted ? obstacle(cache: cache) : "--passthrough false"
        let version = fuse.map { "FUSE \($0), " } ?? ""
        return "Linux \(release), \(version)libfuse \(FuseSession.libraryVersion), "
            + "passthrough \(passthrough.map { "off: \($0)" } ?? "on")"
    }

    /// For `--version`.
    static var version: String {
        let passthrough = obstacle(cache: nil).map { "no: \($0)" } ?? "yes"
        return """
            Linux \(release), libfuse \(FuseSession.libraryVersion)
            Passthrough: \(passthrough)
            """
    }

    /// Why the kernel will not read the cache's files itself; nil if nothing is known that keeps it from that.
    private static func obstacle(cache: String?) -> String? {
        guard Environment.isRoot else { return "only root's mounts have it" }
        guard isNew else { return "Linux \(release) is older than 6.9" }
        guard hasCapability else { return "CAP_SYS_ADMIN is lacking, as in a container" }
        let overlay = 0x794c_7630  // OVERLAYFS_SUPER_MAGIC
        if let cache, clinux_file_system_type(cache) == overlay { return "the cache is on overlayfs" }
        return nil
    }

    /// As `uname -r` has it.
    private static var release: String {
        guard let text = TextFile.read("/proc/sys/kernel/osrelease") else { return "of unknown version" }
        return String(text.prefix { !$0.isNewline })
    }

    private static var isNew: Bool {
        let numbers = release.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 9)
    }

    /// In the first user namespace, where all users are.
    private static var hasCapability: Bool {
        let administrator: UInt64 = 1 << 21
        guard let status = TextFile.read("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let set = line.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) }), set & administrator != 0,
            let map = TextFile.read("/proc/self/uid_map")
        else { return false }
        return map.split(whereSeparator: \.isWhitespace) == ["0", "0", "4294967295"]
    }
}
