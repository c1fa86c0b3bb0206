// SPDX-License-Identifier: Apache-2.0
internal import OCI

extension RegistryHost {
    /// Docker Hub is one registry with several names.
    private static let hubNames: Set<String> = ["docker.io", "index.docker.io", "registry-1.docker.io"]
    private static let hubEndpoint = RegistryHost("registry-1.docker.io")
    var isDockerHub: Bool { Self.hubNames.contains(description) }

    /// Where its protocol is spoken.
    var endpoint: RegistryHost { isDockerHub ? Self.hubEndpoint ?? self : self }

    /// The repository as its protocol names it: Docker Hub's own images are below `library`.
    func path(_ repository: Repository) -> String {
        isDockerHub && !repository.description.contains("/") ? "library/\(repository)" : repository.description
    }

    /// The names that credentials for it may stand under.
    var authKeys: [String] {
        isDockerHub
            ? ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"] : [description]
    }
}
