// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// The kits that are measured. Their content is noise, which no tool can compress, unless a comment says otherwise.
extension Ground {
    /// A large file, `weights.bin`. ``MadeKit/local`` is the same file.
    var weights: MadeKit {
        get throws {
            try kit("weights") { ground in
                let place = try ground.place("weights")
                let local = try LocalFile(place + "/weights.bin")
                let tar = try TarFile(path: place + "/layer")
                var seed: UInt64 = 0
                try tar.member("weights.bin", size: scale.weights) { missing in
                    seed += 1
                    let bytes = noise(min(missing, 1 << 20), seed: seed)
                    local.append(bytes)
                    return bytes
                }
                try local.finish()
                return try MadeKit(
                    ground, "weights", tar.path, hex: tar.finish(), kind: .model, path: "weights.bin", local: local.path
                )
            }
        }
    }

    /// 64 large files in `data`.
    var dataset: MadeKit {
        get throws {
            try kit("dataset") { ground in
                let place = try ground.place("dataset")
                let tar = try TarFile(path: place + "/layer")
                try tar.directory("data")
                for number in 0..<64 {
                    try tar.member("data/part-\(number).bin", noise(scale.datasetFile, seed: UInt64(number)))
                }
                return try MadeKit(
                    ground, "dataset", tar.path, hex: tar.finish(), kind: .dataset, path: "data")
            }
        }
    }

    /// A large text, `table.csv`, packed with gzip as kit does. gzip compresses it well.
    var text: MadeKit {
        get throws {
            try kit("text") { ground in
                let place = try ground.place("text")
                let tar = try TarFile(path: place + "/layer")
                let block = Self.table(rows: 100_000)
                try tar.member("table.csv", size: scale.weights) { Array(block.prefix($0)) }
                _ = try tar.finish()
                try Command.check("gzip", ["-n", tar.path], timeout: 600)
                return try MadeKit(
                    ground, "text", tar.path + ".gz", hex: ground.digest(tar.path + ".gz"), kind: .dataset,
                    path: "table.csv", compression: .gzip)
            }
        }
    }

    /// Many small files in `data`, a thousand in a directory. ``MadeKit/local`` is the same tree, unpacked.
    var smallFiles: MadeKit {
        get throws {
            try kit("small files") { ground in
                let made = try ground.entries(scale.smallFiles, size: 4000, unpacked: true)
                return made
            }
        }
    }

    /// A raw layer, `huge.bin`, mostly zeros. It is larger than the memory that a mount should need.
    var huge: MadeKit {
        get throws {
            try kit("huge") { ground in
                let file = try SparseTar(path: try ground.place("huge") + "/layer", step: 1 << 20)
                try file.content(number: 1, size: scale.huge)
                return try MadeKit(
                    ground, "huge", file.path, hex: ground.digest(file.path), kind: .model, path: "huge.bin",
                    isRaw: true)
            }
        }
    }

    /// A file that is fetched over a slow line, `far.bin`.
    var distant: MadeKit {
        get throws {
            try kit("far file") { ground in
                let tar = try TarFile(path: try ground.place("far") + "/layer")
                try tar.member("far.bin", noise(scale.distant, seed: 3))
                return try MadeKit(ground, "far", tar.path, hex: tar.finish(), kind: .model, path: "far.bin")
            }
        }
    }

    /// Many files of 500 KB in `data`, mostly zeros.
    var distantFiles: MadeKit {
        get throws {
            try kit("far files") { ground in
                let tar = try SparseTar(path: try ground.place("far") + "/layer", step: 1 << 19)
                try tar.directory("data")
                for number in 0..<scale.distantMembers {
                    try tar.member("data/image-\(number).jpg", number: number, size: 500_000)
                }
                try tar.finish()
                return try MadeKit(
                    ground, "far-files", tar.path, hex: ground.digest(tar.path), kind: .dataset, path: "data")
            }
        }
    }

    func digest(_ file: String) throws -> String {
        String(try Command.check("sha256sum", [file], timeout: 300).output.prefix(64))
    }

    /// A kit of `count` files of `size` bytes, a thousand in a directory.
    func entries(_ count: Int, size: Int, unpacked: Bool = false) throws -> MadeKit {
        let place = try place("entries")
        let tar = try TarFile(path: place + "/layer")
        let content = noise(size + 256)
        try tar.directory("data")
        for number in 0..<count {
            if number % 1000 == 0 { try tar.directory("data/\(number / 1000)") }
            let start = number % 256
            try tar.member("data/\(number / 1000)/sample-\(number).bin", Array(content[start..<(start + size)]))
        }
        let hex = try tar.finish()
        let local = place + "/tree"
        if unpacked {
            _ = mkdir(local, 0o755)
            try Command.check("tar", ["-xf", tar.path, "-C", local], timeout: 600)
        }
        return try MadeKit(
            self, "entries-\(count)-\(size)", tar.path, hex: hex, kind: .dataset, path: "data", local: local)
    }

    private static func table(rows: Int) -> [UInt8] {
        var random = SplitMix64(seed: 7)
        let words = ["red", "green", "blue", "heavy", "light", "left", "right", "round", "square", "unknown"]
        var text: [UInt8] = []
        for row in 0..<rows {
            let word = words[Int(random.next() % 10)]
            let line = "\(row),\(word),\(random.next() % 100_000),0.\(random.next() % 1_000_000),\(random.next() % 2)\n"
            text += Array(line.utf8)
        }
        return text
    }
}

/// A local file that is written in large pieces, as a download is.
final class LocalFile {
    let path: String
    private let file: Int32
    private var failed = false

    init(_ path: String) throws {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FileReading.failure("create \(path)") }
    }

    deinit { close(file) }

    func append(_ bytes: [UInt8]) {
        if write(file, bytes, bytes.count) != bytes.count { failed = true }
    }

    func finish() throws {
        if failed || fsync(file) != 0 { throw FileReading.failure("write \(path)") }
    }
}
