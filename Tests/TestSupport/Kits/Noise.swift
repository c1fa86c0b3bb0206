// SPDX-License-Identifier: Apache-2.0

/// Bytes that no tool can compress. The same seed gives the same bytes.
public func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        let memory = UnsafeMutableRawBufferPointer(buffer)
        for place in stride(from: 0, to: count - 7, by: 8) {
            memory.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
        }
        for place in (count / 8 * 8)..<count { buffer[place] = UInt8(truncatingIfNeeded: random.next()) }
        filled = count
    }
}
