// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import TestSupport

/// What reads, as a process of its own: both sides of a comparison are read by the same code, without a shell, and the
/// time that it takes to start it does not count.
struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read", abstract: "Read a file or a tree, and print seconds and how much was read.")

    enum Way: String, CaseIterable, ExpressibleByArgument {
        /// All bytes, in order.
        case sequential
        /// The first MiB.
        case first
        /// A byte of each page, in random order by four threads, of a mapping.
        case touch
        /// All directories listed, all files opened and read.
        case walk
        /// All directories listed, and the attributes of all that is in them.
        case list
        /// Nothing; takes a file's pages out of the page cache.
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
