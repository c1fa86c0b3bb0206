// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A mount of one run.
final class MountedKit {
    let path: String
    let cache: String
    /// Seconds that `kitfs mount` took.
    let seconds: Double
    private let ground: Ground
    private let user: User
    private var isMounted = true

    /// - Parameters:
    ///   - cache: a new one where it is nil.
    ///   - isPulled: whether all of the kit is put into the cache first.
    init(
        _ ground: Ground, _ reference: String, cache: String? = nil, isPulled: Bool = false, _ options: [String] = [],
        as user: User = .root
    ) throws {
        (self.ground, self.user) = (ground, user)
        path = try ground.place("mnt")
        self.cache = try cache ?? ground.place("cache")
        if user == .unprivileged {
            for directory in [path, self.cache] { chown(directory, User.number, User.number) }
        }
        if isPulled { _ = try ground.run(["pull", "--cache", self.cache, reference], as: user) }
        seconds = try ground.run(["mount", "--cache", self.cache, reference, path] + options, as: user)
    }

    deinit { try? unmount() }

    func unmount() throws {
        guard isMounted else { return }
        isMounted = false
        let command = user.command([ground.kitfs, "unmount", path])
        try Command.check(command[0], Array(command.dropFirst()))
    }

    /// Unmounts, and deletes the cache.
    func discard() throws {
        try unmount()
        try ground.remove(cache)
    }

    func read(_ way: ReadCommand.Way, _ name: String = "") throws -> (seconds: Double, amount: Double) {
        try ground.read(way, path + "/" + name, as: user)
    }

    func process() throws -> Int32 {
        let command = user.command([ground.kitfs, "status", "--json", path])
        let text = try Command.check(command[0], Array(command.dropFirst())).output
        guard let range = text.firstRange(of: "\"pid\" : "),
            let pid = Int32(text[range.upperBound...].prefix { $0.isNumber })
        else { throw TestSupportError("no pid in \(text)") }
        return pid
    }

    /// Removes all pages of a file, and of the whole cache of the mount, from the page cache.
    func drop(_ name: String) throws {
        _ = try read(.drop, name)
        try PageCache.drop(below: cache)
    }
}
