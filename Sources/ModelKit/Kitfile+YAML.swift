// SPDX-License-Identifier: Apache-2.0

extension Kitfile {
    /// The Kitfile as `kit unpack` writes it: the same meaning, not necessarily the same bytes. The digest and diffId
    /// of each element's layer are left out, as by kit.
    public func yaml() throws(ModelKitError) -> [UInt8] {
        let emitter = try YAMLEmitter()
        try emitter.emitDocument(Self.withoutLayers(value), order: Self.keyOrder)
        return emitter.output
    }

    /// The keys that kit writes first, in its order. All others follow in alphabetical order.
    private static let keyOrder = [
        "manifestVersion", "package", "model", "code", "datasets", "docs", "prompts",
        "name", "path", "version", "type", "license", "framework", "format", "description", "authors", "parts",
        "parameters",
    ]

    static func withoutLayers(_ value: JSONValue) -> JSONValue {
        guard case .object(var members) = value else { return value }
        for list in ["code", "datasets", "docs", "prompts", "mcpServers"] {
            if case .array(let elements)? = members[list] { members[list] = .array(elements.map(stripped)) }
        }
        if case .object(var model)? = members["model"] {
            if case .array(let parts)? = model["parts"] { model["parts"] = .array(parts.map(stripped)) }
            members["model"] = stripped(.object(model))
        }
        return .object(members)
    }

    private static func stripped(_ element: JSONValue) -> JSONValue {
        guard case .object(var members) = element else { return element }
        members["digest"] = nil
        members["diffId"] = nil
        return .object(members)
    }
}
