// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// One of the endpoints of a repository: a mirror, or the registry itself.
struct RegistryEndpoint: Sendable, Equatable {
    /// Which pulls a mirror serves.
    enum Serves: String, Sendable { case all, digestOnly = "digest-only", tagOnly = "tag-only" }

    let host: RegistryHost
    let repository: Repository
    /// Whether TLS is not verified and plain HTTP is tried.
    let isInsecure: Bool
    let isMirror: Bool
    let serves: Serves

    func serves(_ reference: Reference) -> Bool {
        switch serves {
        case .all: true
        case .digestOnly: reference.digest != nil
        case .tagOnly: reference.digest == nil
        }
    }
}
