// SPDX-License-Identifier: Apache-2.0
public import OCI

/// Why an artifact cannot be mounted as a kit.
public enum ModelKitError: Error, Equatable {
    case notModelKit(found: MediaType)
    case badConfig(reason: String)
    case badPath(element: String, reason: String)
    case parentCycle([Reference])
    case tooManyParents(limit: Int)
}

extension ModelKitError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notModelKit(let found):
            "it is not a ModelKit: its type is \(found), a kit's is \(MediaType.kitConfig)"
        case .badConfig(let reason): "its Kitfile cannot be used: \(reason)"
        case .badPath(let element, let reason): "the path of “\(element)” in its Kitfile cannot be used: \(reason)"
        case .parentCycle(let references):
            "its parents form a cycle: \(references.map(\.description).joined(separator: " → "))"
        case .tooManyParents(let limit): "it has more than \(limit) parents one above the other"
        }
    }
}
