// SPDX-License-Identifier: Apache-2.0

/// Kits packed by the real kit, and what `kit unpack` made of them: see Tests/Fixtures/README.md.
public enum Fixtures {
    public static let directory: String = {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Fixtures"
    }()

    /// An OCI layout.
    public static func layout(_ name: String) -> String { "\(directory)/layouts/\(name)" }

    public static func blob(_ layout: String, _ hex: String) -> String {
        "\(directory)/layouts/\(layout)/blobs/sha256/\(hex)"
    }

    /// What `kit unpack` wrote.
    public static func truth(_ name: String) throws -> [TreeEntry] {
        try TreeScan.truth("\(directory)/truth/\(name).jsonl")
    }
}
