// SPDX-License-Identifier: Apache-2.0

/// Little-endian numbers in byte arrays. The cache's files store numbers this way.
extension Array<UInt8> {
    package mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// The array must hold the whole number at `offset`. Where the bytes come from a file, check the length first.
    package func littleEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count)
        return withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
    }
}
