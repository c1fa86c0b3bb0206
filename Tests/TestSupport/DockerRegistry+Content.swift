// SPDX-License-Identifier: Apache-2.0
import Glibc

extension DockerRegistry {
    /// Copies a kit from an OCI layout directory with skopeo, which keeps every digest or fails.
    ///
    /// - Parameters:
    ///   - tag: the manifest's name in the layout's index.
    ///   - repositoryAndTag: `team/kit:v1`
    public func push(layout directory: String, tag: String, to repositoryAndTag: String) throws {
        var arguments = [
            "--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false",
            "oci:\(directory):\(tag)", "docker://\(host)/\(repositoryAndTag)",
        ]
        if let credentials { arguments += ["--dest-creds", "\(credentials.user):\(credentials.password)"] }
        try Command.check("skopeo", arguments, timeout: 300)
    }

    /// The file that holds a blob's bytes.
    public func blobFile(hex: String) -> String {
        "\(directory.path)/storage/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"
    }

    /// Inverts all bits of one byte of a stored blob; doing it twice restores it.
    ///
    /// - Parameter offset: in bytes from the start of the blob.
    public func flipByte(hex: String, at offset: Int) throws {
        let path = blobFile(hex: hex)
        let file = try systemCall("open \(path)") { open(path, O_RDWR | O_CLOEXEC) }
        defer { close(file) }
        var byte: UInt8 = 0
        guard try systemCall("read \(path)", { pread(file, &byte, 1, offset) }) == 1 else {
            throw TestSupportError("\(path) has no byte \(offset)")
        }
        byte = ~byte
        try systemCall("write \(path)") { pwrite(file, &byte, 1, offset) }
    }
}
