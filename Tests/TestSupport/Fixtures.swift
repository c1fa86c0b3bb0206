// SPDX-License-Identifier: Apache-2.0

/// Kits packed by the real kit, and the trees that `kit unpack` wrote. See Tests/Fixtures/README.md.
public enum Fixtures {
    public static let directory: String = {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Fixtures"
    }()

    /// The path of an OCI layout.
    public static func layout(_ name: String) -> String { "\(directory)/layouts/\(name)" }

    public static func blob(_ layout: String, _ hex: String) -> String {
        "\(directory)/layouts/\(layout)/blobs/sha256/\(hex)"
    }

    /// The tree that `kit unpack` wrote.
    public static func truth(_ name: String) throws -> [TreeEntry] {
        try TreeScan.truth("\(directory)/truth/\(name).jsonl")
    }
}
