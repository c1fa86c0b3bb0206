// SPDX-License-Identifier: Apache-2.0
import Glibc

extension DockerRegistry {
    /// Copies a kit from an OCI layout directory with skopeo, which fails unless every digest is kept.
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

    /// The path of the file with a blob's bytes.
    public func blobFile(hex: String) -> String { "\(blobDirectory)/\(hex.prefix(2))/\(hex)/data" }

    /// Each blob has a directory with its digest as the name, in a directory with the digest's first two characters.
    var blobDirectory: String { "\(directory.path)/storage/docker/registry/v2/blobs/sha256" }

    /// Makes a file a blob of a repository by renaming it, for layers that are too large to be pushed. The registry
    /// does not check the digest, and neither does a client that fetches only parts.
    ///
    /// - Parameter file: must be on the file system of /tmp.
    public func plant(_ file: String, hex: String, in repository: String) throws {
        let data = blobFile(hex: hex)
        let link = "\(directory.path)/storage/docker/registry/v2/repositories/\(repository)/_layers/sha256/\(hex)/link"
        for path in [data, link] {
            let end = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            try Command.check("mkdir", ["-p", String(path[..<end])])
        }
        try systemCall("rename \(file)") { rename(file, data) }
        try writeFile(link, Array("sha256:\(hex)".utf8))
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
