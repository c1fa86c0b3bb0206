// SPDX-License-Identifier: Apache-2.0
public import OCI

/// The kind of an artifact, by the media type of its config. Kits of before 2026 state it nowhere else.
public enum ArtifactKind: Sendable, Equatable {
    case modelKit
    /// Spec: <https://github.com/modelpack/model-spec/blob/main/docs/spec.md>, and its older `cnai` names.
    case modelPack

    public init?(config: MediaType) {
        switch config.description {
        case MediaType.kitConfig.description: self = .modelKit
        case "application/vnd.cncf.model.config.v1+json", "application/vnd.cnai.model.config.v1+json":
            self = .modelPack
        default: return nil
        }
    }

    /// Describes an artifact that is not a kit, for messages.
    static func describe(_ type: MediaType) -> String {
        let name = type.description
        let known: [(prefix: String, what: String)] = [
            ("application/vnd.oci.image.config", "a container image"),
            ("application/vnd.docker.", "a container image"),
            ("application/vnd.oci.image.index", "another index"),
            ("application/vnd.docker.distribution.manifest.list.", "another index"),
            ("application/vnd.cncf.helm.", "a Helm chart"),
            ("application/vnd.ollama.", "an Ollama model"),
            ("application/vnd.docker.ai.", "a Docker model"),
            ("application/vnd.dev.cosign.", "a signature"),
            ("application/vnd.cncf.notary.", "a signature"),
            ("application/vnd.in-toto", "an attestation"),
            ("application/spdx", "a bill of materials"),
            ("application/vnd.cyclonedx", "a bill of materials"),
            ("application/vnd.wasm.", "a WebAssembly module"),
            ("application/vnd.oci.empty.", "an artifact of no stated type"),
        ]
        return known.last { name.hasPrefix($0.prefix) }.map { "\($0.what) (\(name))" } ?? "of type \(name)"
    }
}
