// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import OCI

/// Certificates for one registry, from the directories of docker and podman. `certs.d/HOST[:PORT]/` has `*.crt` of
/// authorities that are trusted besides the system's, and pairs `NAME.cert` and `NAME.key` of client certificates. See
/// containers-certs.d(5).
struct HostCertificates: Sendable, Equatable {
    /// The authorities in PEM, concatenated; empty if there are none.
    var authorities: [UInt8] = []
    /// Paths of the first pair.
    var clientCertificate: String?
    var clientKey: String?

    /// Looks in the user's directory, then in the system's. As in podman, only the first that exists for the host
    /// counts. Throws `SourceError` if its content is unusable.
    init(for host: RegistryHost, environment: [String: String]) throws(SourceError) {
        let home =
            environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? environment["HOME"].map { $0 + "/.config" }
        let parents = [home.map { $0 + "/containers/certs.d" }, "/etc/containers/certs.d", "/etc/docker/certs.d"]
        for parent in parents.compactMap({ $0 }) {
            let directory = "\(parent)/\(host)"
            guard let names = Self.names(in: directory) else { continue }
            try read(directory, names)
            return
        }
    }

    private mutating func read(_ directory: String, _ names: [String]) throws(SourceError) {
        for name in names {
            let path = "\(directory)/\(name)"
            if name.hasSuffix(".crt") {
                authorities += try SmallFile.read(path) ?? []
                authorities.append(10)
            } else if name.hasSuffix(".cert"), clientCertificate == nil {
                let key = name.dropLast(5) + ".key"
                guard names.contains(String(key)) else {
                    throw .misconfigured("\(path) has no key beside it: \(key) is missing in \(directory)")
                }
                clientCertificate = path
                clientKey = "\(directory)/\(key)"
            } else if name.hasSuffix(".key"), !names.contains(name.dropLast(4) + ".cert") {
                throw .misconfigured("\(path) has no certificate beside it: docker and podman want it as NAME.cert")
            }
        }
    }

    private static func names(in directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.sorted()
    }
}
