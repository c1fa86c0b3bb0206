// SPDX-License-Identifier: Apache-2.0
private import CCrypto

/// Computes a digest over bytes that arrive in pieces, by libcrypto's EVP.
///
/// A reference type because the EVP context is one. Used by one thread at a time.
public final class DigestHasher {
    public let algorithm: Digest.Algorithm
    private let context: OpaquePointer

    public init(_ algorithm: Digest.Algorithm = .sha256) {
        let method: OpaquePointer? =
            switch algorithm {
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, method, nil) == 1 else {
            preconditionFailure("libcrypto has no \(algorithm.rawValue), or no memory is left")
        }
        self.algorithm = algorithm
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ bytes: RawSpan) {
        let updated = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(updated == 1, "EVP_DigestUpdate fails only on a context that was never set up")
    }

    /// The digest of all bytes so far. The hasher cannot be used afterwards.
    public func finalize() -> Digest {
        var raw = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        precondition(EVP_DigestFinal_ex(context, &raw, &count) == 1, "finalize was called twice")
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(Int(count) * 2)
        for byte in raw.prefix(Int(count)) {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        guard let digest = Digest(algorithm: algorithm, hex: String(decoding: hex, as: UTF8.self)) else {
            preconditionFailure("libcrypto returned a digest of \(count) bytes")
        }
        return digest
    }

    /// The digest of bytes in memory.
    public static func digest(of bytes: [UInt8], _ algorithm: Digest.Algorithm = .sha256) -> Digest {
        let hasher = DigestHasher(algorithm)
        hasher.update(bytes.span.bytes)
        return hasher.finalize()
    }
}
