// SPDX-License-Identifier: Apache-2.0
package import DurableFiles
private import FoundationEssentials
private import Glibc
internal import SystemPackage

/// Ensures that one process on one machine fills a cache that other machines only read: a file that names the process.
package final class FillerLock: Sendable {
    private static let name = "FILLER"
    private let top: DirectoryHandle

    private struct Filler: Codable, Equatable {
        let host: String
        let pid: Int32
    }

    /// Throws `StoreError.cache` if there is another filler.
    package init(_ top: DirectoryHandle, path: String) throws(StoreError) {
        self.top = top
        let own = Filler(host: Self.hostName(), pid: getpid())
        for _ in 0..<2 {
            if Self.write(own, in: top) { return }
            guard let other = Self.filler(in: top) else { continue }
            guard other.host == own.host, kill(other.pid, 0) != 0, errno == ESRCH else {
                throw .cache(
                    "the cache \(path) is being filled by process \(other.pid) on \(other.host); if that is gone, delete "
                        + "\(path)/\(Self.name)")
            }
            try? top.remove(Self.name)
        }
        throw .cache("the cache \(path) cannot be written: \(path)/\(Self.name) cannot be made")
    }

    deinit { try? top.remove(Self.name) }

    private static func write(_ filler: Filler, in top: DirectoryHandle) -> Bool {
        guard let data = try? JSONEncoder().encode(filler), let file = try? top.file(name, .create(exclusive: true))
        else { return false }
        return (try? file.write(Array(data).span.bytes, at: 0)) != nil
    }

    private static func filler(in top: DirectoryHandle) -> Filler? {
        guard let bytes = top.contents(of: name, atMost: 4096) else { return nil }
        // One that is not written yet, or damaged, names nobody.
        return try? JSONDecoder().decode(Filler.self, from: Data(bytes))
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
