// SPDX-License-Identifier: Apache-2.0
public import OCI

/// What part of a kit a layer is, in the order in which kit writes them.
public enum LayerKind: String, Sendable, CaseIterable {
    case model, modelPart = "modelpart", code, dataset, docs

    private static let prefix = "application/vnd.kitops.modelkit."

    /// Reads a layer's media type, as in `application/vnd.kitops.modelkit.dataset.v1.tar+gzip`; nil for any other.
    public static func parse(_ type: MediaType) -> (kind: LayerKind, form: LayerForm)? {
        guard type.description.hasPrefix(prefix) else { return nil }
        let parts = type.description.dropFirst(prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "v1", let kind = LayerKind(rawValue: String(parts[0])),
            let form = LayerForm(parts[2])
        else { return nil }
        return (kind, form)
    }
}
