// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Threading

/// Reads a file through a mapping, as safetensors loads weights.
enum MappedReading {
    private static let pageSize = 4096

    /// Maps the file and touches a byte of each page. The pages are in random order, and each thread has its share.
    ///
    /// - Returns: the seconds that the touching alone took, and the number of pages.
    static func touchPages(of path: String, threads: Int) throws -> (Double, Int) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileReading.failure("open \(path)") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileReading.failure("stat \(path)") }
        let size = Int(status.st_size)
        guard let memory = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), memory != MAP_FAILED else {
            throw FileReading.failure("mmap \(path)")
        }
        defer { munmap(memory, size) }
        var random = SplitMix64(seed: 1)
        let order = Array(0..<((size + pageSize - 1) / pageSize)).shuffled(using: &random)
        let address = UInt(bitPattern: memory)
        let left = Monitor(threads)
        let start = monotonicSeconds()
        for thread in 0..<threads {
            BackgroundThread.start {
                touch(address, order[(thread * order.count / threads)..<((thread + 1) * order.count / threads)])
                left.update { $0 -= 1 }
            }
        }
        left.wait { $0 == 0 ? () : nil }
        return (monotonicSeconds() - start, order.count)
    }

    private static func touch(_ address: UInt, _ pages: ArraySlice<Int>) {
        guard let memory = UnsafeRawPointer(bitPattern: address) else { return }
        var sum = 0
        for page in pages { sum &+= Int(memory.load(fromByteOffset: page * pageSize, as: UInt8.self)) }
        // The sum must be used, or the compiler could remove the loop.
        if sum == -1 { print("") }
    }
}
