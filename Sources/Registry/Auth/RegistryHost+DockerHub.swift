// SPDX-License-Identifier: Apache-2.0
internal import OCI

extension RegistryHost {
    /// The names of Docker Hub.
    private static let hubNames: Set<String> = ["docker.io", "index.docker.io", "registry-1.docker.io"]
    private static let hubEndpoint = RegistryHost("registry-1.docker.io")
    var isDockerHub: Bool { Self.hubNames.contains(description) }

    /// The host that speaks the registry protocol.
    var endpoint: RegistryHost { isDockerHub ? Self.hubEndpoint ?? self : self }

    /// The path of a repository in the protocol. Docker Hub's own images are below `library`.
    func path(_ repository: Repository) -> String {
        isDockerHub && !repository.description.contains("/") ? "library/\(repository)" : repository.description
    }

    /// The keys that credentials for it may have.
    var authKeys: [String] {
        isDockerHub
            ? ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"] : [description]
    }
}
