// SPDX-License-Identifier: Apache-2.0
package import DurableFiles
package import SystemPackage

/// Small files that are replaced as a whole: written under a temporary name, synced, then renamed into place. A reader
/// sees the old or the new file, whole, also after a power loss.
extension CacheDirectory {
    /// The temporary name is in the trash, so that a process that is killed leaves nothing in `directory`.
    package func replaceFile(_ name: String, in directory: DirectoryHandle, with bytes: [UInt8]) throws(Errno) {
        if try placed(bytes, name, directory) { return }
        // Another process emptied the trash meanwhile.
        try Self.place(bytes, Self.uniqueName(name), in: trash, as: name, in: directory)
    }

    private func placed(_ bytes: [UInt8], _ name: String, _ directory: DirectoryHandle) throws(Errno) -> Bool {
        do {
            try Self.place(bytes, Self.uniqueName(name), in: trash, as: name, in: directory)
            return true
        } catch .noSuchFileOrDirectory {
            return false
        }
    }

    package static func place(
        _ bytes: [UInt8], _ temporary: String, in parent: DirectoryHandle, as name: String,
        in directory: DirectoryHandle
    ) throws(Errno) {
        do {
            let file = try parent.file(temporary, .create(exclusive: true))
            try file.write(bytes.span.bytes, at: 0)
            try file.sync()
            try parent.rename(temporary, to: directory, as: name)
        } catch {
            try? parent.remove(temporary)
            throw error
        }
    }
}
