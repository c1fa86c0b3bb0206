// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import FuseSession
private import HostSystem

/// The kernel's features that a mount can use here.
package enum KernelFeatures {
    /// For a mount's log. `fuse`: the protocol's version, once the kernel has told it.
    package static func text(fuse: String?, passthroughIsWanted: Bool, cache: String) -> String {
        let passthrough = passthroughIsWanted ? obstacle(cache: cache) : .notWanted
        let version = fuse.map { "FUSE \($0), " } ?? ""
        return "Linux \(PassthroughObstacle.kernel), \(version)libfuse \(FuseSession.libraryVersion), "
            + "passthrough \(passthrough.map { "off: \($0)" } ?? "on")"
    }

    /// For `--version`.
    package static var version: String {
        let passthrough = obstacle(cache: nil).map { "no: \($0)" } ?? "yes"
        return """
            Linux \(PassthroughObstacle.kernel), libfuse \(FuseSession.libraryVersion)
            Passthrough: \(passthrough)
            """
    }

    /// nil if nothing is known that prevents passthrough.
    private static func obstacle(cache: String?) -> PassthroughObstacle? {
        guard Environment.isRoot else { return .notRoot }
        guard PassthroughObstacle.isNewKernel else { return .oldKernel(PassthroughObstacle.kernel) }
        guard hasCapability else { return .forbidden }
        let overlay = 0x794c_7630  // OVERLAYFS_SUPER_MAGIC
        if let cache, clinux_file_system_type(cache) == overlay { return .stacked }
        return nil
    }

    /// CAP_SYS_ADMIN in the initial user namespace, whose map covers all users.
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
