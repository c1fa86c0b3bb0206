// SPDX-License-Identifier: Apache-2.0
package import DurableFiles
private import Glibc
internal import OCI
package import SystemPackage

/// The cache on disk. Sources/README.md says what each part is for.
///
/// ```
/// CACHEDIR.TAG VERSION
/// blobs/sha256/HEX           manifests and configs, verified
/// refs/HOST/REPO/_tags/TAG   the digest that a tag was last resolved to
/// indexes/KEY                entries of a layer; outlives the layer
/// layers/KEY/                whole, verified, synced, never written again
/// partial/BOOTID/KEY/        the same, while it is being filled
/// seen/KEY                   which kits a layer was seen in
/// trash/                     unique names, to be deleted by anyone
/// ```
/// The top is 0700 and all inside 0755/0644, so that widening the top shares the cache.
public final class CacheDirectory: Sendable {
    public let path: String
    package let top: DirectoryHandle
    package let blobs: DirectoryHandle
    package let refs: DirectoryHandle
    package let indexes: DirectoryHandle
    package let layers: DirectoryHandle
    /// Layers of this boot that are being filled. An earlier boot's layers may lack bytes that were never synced.
    package let partial: DirectoryHandle
    package let trash: DirectoryHandle
    /// Which kits a layer was seen in, for people: a file for each layer.
    package let seen: DirectoryHandle

    private static let version = "1\n"
    private static let tag = """
        Signature: 8a477f597d28d172789f06886806bc55
        # This directory is a cache of kitfs. See https://bford.info/cachedir/

        """

    public enum Access: Sendable {
        /// Makes missing parts. Refuses a directory that has other files in it.
        case use
        /// As `use`, for a process that only fills the cache. Also allowed on a network file system, with one filler at
        /// a time.
        case fill
        /// Makes nothing, and deletes only on request, as for `prune`. For readers, also of another user's cache.
        case look

        package var mayWrite: Bool { self != .look }
    }

    package let access: Access
    private let fillerLock: FillerLock?

    /// Opens the cache. Throws `StoreError.cache` if it cannot be used or is no cache; for `.look` also if it does not
    /// exist.
    public init(path: String, _ access: Access = .use) throws(StoreError) {
        self.path = path
        self.access = access
        do {
            if access.mayWrite { try Self.makeDirectories(path) }
            top = try DirectoryHandle.open(path)
            fillerLock = try Self.checkPlace(top, path, access)
            try Self.checkVersion(top, path, access)
            blobs = try top.part("blobs", access)
            refs = try top.part("refs", access)
            indexes = try top.part("indexes", access)
            layers = try top.part("layers", access)
            trash = try top.part("trash", access)
            seen = try top.part("seen", access)
            partial = try Self.partialOfThisBoot(try top.part("partial", access), access)
            if access.mayWrite {
                try discardOtherBoots()
                // Leftovers of processes that were killed.
                for name in try trash.names() where isOld(name, in: trash) { trash.removeTree(name) }
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw .cache("the cache \(path) cannot be used: \(error); choose another with --cache DIR or $KITFS_CACHE")
        }
    }

    /// A cache with several writers must be on a local disk.
    private static func checkPlace(
        _ top: DirectoryHandle, _ path: String, _ access: Access
    ) throws(StoreError) -> FillerLock? {
        guard access.mayWrite, let name = NetworkFileSystem.name(of: top) else { return nil }
        guard access == .fill else {
            throw .cache(
                "the cache \(path) is on \(name), where it cannot be shared by those who write to it: choose a local one "
                    + "with --cache DIR, and read this one with --shared-cache \(path); `kitfs pull --cache` fills it")
        }
        return try FillerLock(top, path: path)
    }

    /// Like mkdir -p. The last directory is private, 0700.
    private static func makeDirectories(_ path: String) throws(Errno) {
        if (try? DirectoryHandle.open(path)) != nil { return }
        // Directories are made by their full paths: the parents need search permission only, not read permission.
        let parts = path.split(separator: "/")
        for count in 1...max(1, parts.count) {
            let parent = (path.hasPrefix("/") ? "/" : "") + parts.prefix(count).joined(separator: "/")
            try DirectoryHandle.make(parent, mode: count == parts.count ? 0o700 : 0o755)
        }
    }

    private static func checkVersion(_ top: DirectoryHandle, _ path: String, _ access: Access) throws {
        if (try? top.attributes(of: "VERSION")) == nil {
            // Another process may be making the cache at this moment.
            let isBeingMade = try top.names().allSatisfy(Self.isFirst)
            let isMade = (try? top.attributes(of: "VERSION")) != nil
            guard isMade || access.mayWrite && isBeingMade else {
                throw StoreError.cache(
                    "\(path) is not a cache of kitfs, and not empty: nothing is touched; choose another with --cache DIR"
                )
            }
            try writeOnce("CACHEDIR.TAG", tag, in: top)
            try writeOnce("VERSION", version, in: top)
        }
        let file = try top.file("VERSION", .read)
        let text = try file.bytes(at: 0, count: Int(min(file.attributes.size, 64)))
        guard text.elementsEqual(version.utf8) else {
            throw StoreError.cache(
                "the cache \(path) was made by another version of kitfs; choose another with --cache DIR")
        }
    }

    /// Names that a new cache has before its version: the filler's lock, the tag, and temporary files.
    private static func isFirst(_ name: String) -> Bool {
        ["FILLER", "CACHEDIR.TAG", "VERSION"].contains(name) || isTemporary(name)
    }

    package static func isTemporary(_ name: String) -> Bool {
        name.hasSuffix(".tmp") && (name.hasPrefix("CACHEDIR.TAG.") || name.hasPrefix("VERSION."))
    }

    private static let parts = ["blobs", "refs", "indexes", "layers", "trash", "seen", "partial"]

    /// Whether the cache at `path` was not completed by the process that made it. Such a cache holds nothing.
    public static func isUnfinished(_ path: String) -> Bool {
        guard let names = try? DirectoryHandle.open(path).names() else { return false }
        let isOurs = names.isEmpty || names.contains(where: isFirst)
        return isOurs && names.allSatisfy { isFirst($0) || parts.contains($0) } && !parts.allSatisfy(names.contains)
    }

    private static func writeOnce(_ name: String, _ text: String, in directory: DirectoryHandle) throws(Errno) {
        if (try? directory.attributes(of: name)) != nil { return }
        let temporary = uniqueName(name) + ".tmp"
        try place(Array(text.utf8), temporary, in: directory, as: name, in: directory)
    }

    package static func bootID() -> String {
        guard let proc = try? DirectoryHandle.open("/proc/sys/kernel/random"),
            let bytes = try? proc.file("boot_id", .read).bytes(at: 0, count: 36)
        else { return "unknown" }
        let text = String(decoding: bytes, as: UTF8.self)
        return isBootID(text) ? text : "unknown"
    }

    private static func partialOfThisBoot(
        _ partials: DirectoryHandle, _ access: Access
    ) throws(Errno) -> DirectoryHandle {
        if access.mayWrite { return try partials.makeDirectory(bootID()) }
        // Without a partial directory of this boot, `partial` itself is used: no name in it is a layer's.
        guard let partial = try? partials.directory(bootID()) else { return partials }
        return partial
    }

    /// Discards partial layers of earlier boots. Without a presence snapshot, such a layer cannot be trusted.
    private func discardOtherBoots() throws(Errno) {
        let partials = try top.directory("partial")
        let boot = Self.bootID()
        for name in try partials.names() where name != boot && Self.isBootID(name) {
            guard let earlier = try? partials.directory(name) else { continue }
            let layers = try earlier.names()
            for layer in layers where (try? earlier.directory(layer).attributes(of: PresenceSnapshot.name)) == nil {
                try discard(layer, in: earlier)
            }
            // A layer with a snapshot stays until a process wants the layer, or until `prune`.
            if try earlier.names().isEmpty { try discard(name, in: partials) }
        }
    }

    package static func isBootID(_ text: String) -> Bool {
        text.utf8.count == 36 && text.utf8.allSatisfy { $0 == 45 || (48...57).contains($0) || (97...102).contains($0) }
    }

    // MARK: Trash

    /// Renames a file or directory into the trash, then deletes it. Processes that have it open keep reading. With
    /// `handle`, only the directory behind the handle is discarded, not a newer one of the same name.
    package func discard(
        _ name: String, in directory: DirectoryHandle, ifStill handle: DirectoryHandle? = nil
    ) throws(Errno) {
        if let handle, try !handle.isNamed(name, in: directory) { return }
        let unique = Self.uniqueName(name)
        do {
            try directory.rename(name, to: trash, as: unique)
        } catch .noSuchFileOrDirectory {
            return
        } catch .improperLink {
            // overlayfs cannot rename a directory of its lower layer, as where an image contains a filled cache.
            // Without its state, the directory is no layer any more.
            try? directory.directory(name).remove(StateFile.name)
            directory.removeTree(name)
            return
        }
        if let handle, try !handle.isNamed(unique, in: trash) {
            // The renamed directory is a newer one. It is renamed back, unless the name is taken again.
            do { return try trash.rename(unique, to: directory, as: name) } catch {}
        }
        trash.removeTree(unique)
    }

    /// Whether nothing has changed it for a minute, so that no process is still making it.
    package func isOld(_ name: String, in directory: DirectoryHandle) -> Bool {
        guard let modified = try? directory.attributes(of: name).modified else { return false }
        return modified + 60 < Int64(time(nil))
    }

    package static func uniqueName(_ name: String) -> String {
        name + "." + String(UInt64.random(in: 0 ... .max), radix: 36)
    }
}

extension DirectoryHandle {
    fileprivate func part(_ name: String, _ access: CacheDirectory.Access) throws(Errno) -> DirectoryHandle {
        switch access {
        case .use, .fill: try makeDirectory(name)
        case .look: try directory(name)
        }
    }
}
