// SPDX-License-Identifier: Apache-2.0
package import OCI

/// Digests as raw bytes. The cache's files store digests this way.
extension Digest {
    package var bytes: [UInt8] {
        func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
        let hex = Array(hex.utf8)
        return stride(from: 0, to: hex.count, by: 2).map { nibble(hex[$0]) << 4 | nibble(hex[$0 + 1]) }
    }

    package init?(sha256 bytes: some Collection<UInt8>) {
        self.init(
            algorithm: .sha256,
            hex: bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined())
    }
}
