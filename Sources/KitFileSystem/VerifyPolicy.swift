// SPDX-License-Identifier: Apache-2.0
public import ModelKit

/// When a layer's bytes are shown.
public enum VerifyPolicy: Sendable {
    /// Once all of it is here and its digest is right.
    case beforeRead
    /// As they come; the digest is checked once the layer is whole. Of the layers that one of the filters chooses; none
    /// for all.
    case whileStreaming([KitFilter])

    func isStreamed(_ layer: KitLayer) -> Bool {
        switch self {
        case .beforeRead: false
        case .whileStreaming(let filters): filters.isEmpty || filters.contains { $0.matches(layer) }
        }
    }
}
