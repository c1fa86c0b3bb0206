// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage

/// Reads whole files: settings, indexes, manifests.
enum SmallFile {
    /// nil if there is no file. At most `Manifest.sizeLimit` bytes.
    static func read(_ path: String) throws(SourceError) -> [UInt8]? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            // Only read from: an error on closing loses nothing.
            defer { try? file.close() }
            var bytes: [UInt8] = []
            while bytes.count <= Manifest.sizeLimit {
                var piece = [UInt8](repeating: 0, count: 64 << 10)
                let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { return bytes }
                bytes.append(contentsOf: piece.prefix(count))
            }
            throw SourceError.unusable("\(path) has more than 8 MiB")
        } catch let error as SourceError {
            throw error
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            return nil
        } catch Errno.permissionDenied {
            throw .unauthorized("\(path) cannot be read by this user")
        } catch {
            throw .unusable("\(path): \(error)")
        }
    }
}
