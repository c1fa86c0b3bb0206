// SPDX-License-Identifier: Apache-2.0
import Foundation

/// As auth files and `Authorization: Basic` have it.
public enum Base64 {
    public static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
