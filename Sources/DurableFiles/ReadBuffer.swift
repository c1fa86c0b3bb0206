// SPDX-License-Identifier: Apache-2.0

/// A reusable buffer for reading files. One mebibyte keeps system calls few and fits the processor's second-level
/// cache. Belongs to one thread.
package final class ReadBuffer {
    package static let size = 1 << 20
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)

    package init() {}

    deinit { memory.deallocate() }

    /// The first `count` bytes, to be filled; `count` is at most `size`.
    package func prefix(_ count: UInt64) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[0..<Int(min(count, UInt64(Self.size)))])
    }
}
