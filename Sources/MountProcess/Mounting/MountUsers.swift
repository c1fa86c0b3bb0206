// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem

/// Finds the processes that keep a mount busy, as far as /proc shows them.
package enum MountUsers {
    /// A line for each process: `1234 (python3): open file model/weights.bin`. At most ten.
    package static func find(_ directory: String) -> [String] {
        var users: [String] = []
        for name in TextFile.names(in: "/proc") {
            guard let process = Int32(name), process != getpid(), let use = use(of: directory, by: name) else {
                continue
            }
            let command = TextFile.read("/proc/\(process)/comm")?.split(separator: "\n").first ?? "?"
            users.append("\(process) (\(command)): \(use)")
            if users.count == 10 { break }
        }
        return users
    }

    private static func use(of directory: String, by process: String) -> String? {
        for (link, what) in [("cwd", "working directory"), ("root", "root directory"), ("exe", "runs")] {
            if let path = below(directory, link: "/proc/\(process)/\(link)") { return "\(what) \(path)" }
        }
        for number in TextFile.names(in: "/proc/\(process)/fd") {
            if let path = below(directory, link: "/proc/\(process)/fd/\(number)") { return "open file \(path)" }
        }
        guard let maps = TextFile.read("/proc/\(process)/maps") else { return nil }
        for line in maps.split(separator: "\n") {
            guard let slash = line.firstIndex(of: "/") else { continue }
            if let path = below(directory, String(line[slash...])) { return "mapped file \(path)" }
        }
        return nil
    }

    /// Links of /proc are read and not followed: their targets may hang.
    private static func below(_ directory: String, link: String) -> String? {
        TextFile.link(link).flatMap { below(directory, $0) }
    }

    /// The path inside the mount, nil if it is elsewhere.
    private static func below(_ directory: String, _ path: String) -> String? {
        if path == directory { return "." }
        return path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : nil
    }
}
