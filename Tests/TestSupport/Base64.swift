// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Base64 as in auth files and `Authorization: Basic`.
public enum Base64 {
    public static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
