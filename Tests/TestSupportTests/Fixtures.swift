// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Kits packed by the real kit, not a part of this package: tests that need them are skipped without them.
enum Fixtures {
    static let directory = getenv("KITFS_FIXTURES").map { String(cString: $0) } ?? "/work/shared/fixtures"
    static var areThere: Bool { access(directory + "/truth/plain-small.jsonl", R_OK) == 0 }

    static func blob(_ layout: String, _ hex: String) -> String {
        "\(directory)/layouts/\(layout)/blobs/sha256/\(hex)"
    }
}
