// SPDX-License-Identifier: Apache-2.0

/// Chooses parts of a kit, by the grammar of `kit unpack --filter`: `TYPE[,TYPE…][:NAME[,NAME…]]`.
///
/// Types are `kitfile`, `model` (its parts, too), `datasets`, `code`, `prompts`, `docs` and `mcpservers`. Names are
/// those of the Kitfile's elements, or their paths as the Kitfile has them. Several filters choose what any of them
/// chooses. See <https://kitops.org/docs/cli/cli-reference/#kit-unpack>.
public struct KitFilter: Sendable, Equatable {
    let kinds: Set<LayerKind>
    let hasKitfile: Bool
    /// nil for all elements of these kinds.
    let names: [String]?

    public struct ParseError: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    private static let types: [(name: String, kinds: Set<LayerKind>)] = [
        ("kitfile", []), ("model", [.model, .modelPart]), ("datasets", [.dataset]), ("code", [.code]),
        ("prompts", [.prompt]), ("docs", [.docs]), ("mcpservers", [.mcpServer]),
    ]

    public init(parsing text: String) throws(ParseError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw ParseError(description: "filter “\(text)”: it should be TYPE[,TYPE][:NAME[,NAME]]")
        }
        var kinds: Set<LayerKind> = []
        var hasKitfile = false
        for name in parts[0].split(separator: ",", omittingEmptySubsequences: false) {
            guard let type = Self.types.first(where: { $0.name == name }) else {
                let known = Self.types.map(\.name).joined(separator: ", ")
                throw ParseError(description: "filter “\(text)”: unknown type “\(name)”; known are \(known)")
            }
            kinds.formUnion(type.kinds)
            hasKitfile = hasKitfile || type.name == "kitfile"
        }
        self.kinds = kinds
        self.hasKitfile = hasKitfile
        names =
            parts.count == 1
            ? nil : parts[1].split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    }

    private init(kinds: Set<LayerKind>, names: [String]?) {
        self.kinds = kinds
        hasKitfile = false
        self.names = names
    }

    public func matches(_ layer: KitLayer) -> Bool {
        guard kinds.contains(layer.kind) else { return false }
        guard let names else { return true }
        // Elements for code and docs have no names in kit. An empty name selects other elements without one.
        let hasName = layer.kind != .code && layer.kind != .docs
        return hasName && names.contains(layer.name ?? "") || names.contains(layer.spelledPath ?? "")
    }

    /// What the filter chooses of a parent, which gives only its model; nil for nothing.
    var ofParent: KitFilter? {
        kinds.contains(.model) ? KitFilter(kinds: [.model, .modelPart], names: names) : nil
    }
}
