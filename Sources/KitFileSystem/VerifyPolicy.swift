// SPDX-License-Identifier: Apache-2.0
public import ModelKit

/// When a layer's bytes may be read.
public enum VerifyPolicy: Sendable {
    /// Once the whole layer is cached and its digest is verified.
    case beforeRead
    /// As they are fetched; the digest is verified once the layer is whole. For the layers that a filter chooses;
    /// without filters, for all.
    case whileStreaming([KitFilter])

    func isStreamed(_ layer: KitLayer) -> Bool {
        switch self {
        case .beforeRead: false
        case .whileStreaming(let filters): filters.isEmpty || filters.contains { $0.matches(layer) }
        }
    }
}
