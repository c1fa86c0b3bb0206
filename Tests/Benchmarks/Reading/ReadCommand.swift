// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import TestSupport

/// The reader, as a process of its own. Both sides of a comparison are read by the same code, without a shell, and the
/// time to start the process does not count.
struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read", abstract: "Read a file or a tree, and print seconds and how much was read.")

    enum Way: String, CaseIterable, ExpressibleByArgument {
        /// Reads all bytes, in order.
        case sequential
        /// Reads the first MiB.
        case first
        /// Maps the file and touches a byte of each page, in random order, with four threads.
        case touch
        /// Lists all directories, and opens and reads all files.
        case walk
        /// Lists all directories, and reads the attributes of all entries.
        case list
        /// Reads nothing, and removes a file's pages from the page cache.
        case drop
    }

    @Argument var way: Way
    @Argument var path: String

    func run() throws {
        let (seconds, amount) = try measured
        print(seconds, amount)
    }

    private var measured: (seconds: Double, amount: Int) {
        get throws {
            switch way {
            case .sequential: try timed { try FileReading.all(of: path) }
            case .first: try timed { try FileReading.first(1 << 20, of: path) }
            case .touch: try MappedReading.touchPages(of: path, threads: 4)
            case .walk: try timed { try TreeReading.walk(path) { try FileReading.all(of: $0, in: $1) } }
            case .list: try timed { try TreeReading.walk(path, TreeReading.attributes) }
            case .drop: try timed { try FileReading.drop(path) }
            }
        }
    }

    private func timed(_ body: () throws -> Int) rethrows -> (Double, Int) {
        let start = monotonicSeconds()
        let amount = try body()
        return (monotonicSeconds() - start, amount)
    }
}
