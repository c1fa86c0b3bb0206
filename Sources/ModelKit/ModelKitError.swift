// SPDX-License-Identifier: Apache-2.0
public import OCI

/// Why an artifact cannot be mounted as a kit.
public enum ModelKitError: Error, Equatable {
    case notModelKit(found: MediaType)
    /// The index has no kit.
    case noKitInIndex(found: [MediaType])
    /// The index has more than one kit.
    case severalKits([Digest])
    case badConfig(reason: String)
    case badPath(element: String, reason: String)
    case parentCycle([Reference])
    case tooManyParents(limit: Int)
}

extension ModelKitError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notModelKit(let found):
            "it is not a ModelKit: it is \(ArtifactKind.describe(found)); a kit's config is \(MediaType.kitConfig)"
        case .noKitInIndex(let found):
            "it is not a ModelKit: it is an index of \(Self.summary(found))"
        case .severalKits(let digests):
            "it is an index of several ModelKits; add the digest of one: "
                + digests.prefix(16).map { "@\($0)" }.joined(separator: ", ")
        case .badConfig(let reason): "its Kitfile cannot be used: \(reason)"
        case .badPath(let element, let reason): "the path of “\(element)” in its Kitfile cannot be used: \(reason)"
        case .parentCycle(let references):
            "its parents form a cycle: \(references.map(\.description).joined(separator: " → "))"
        case .tooManyParents(let limit): "it has more than \(limit) parents one above the other"
        }
    }

    private static func summary(_ types: [MediaType]) -> String {
        guard !types.isEmpty else { return "nothing" }
        return Set(types.map(ArtifactKind.describe)).sorted().prefix(8).joined(separator: ", ")
    }
}
