// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A registry with a kit for each form. Each kit has one file of noise, `weights.bin`, and a small layer beside it.
final class NoiseKit {
    enum Form: String, Sendable, CaseIterable { case plain, gzip, zstd }

    enum Verify: String, Sendable, CaseIterable {
        case beforeRead = "before-read"
        case whileStreaming = "while-streaming"
    }

    let registry: DockerRegistry
    /// The path of the expected `weights.bin`.
    let truth: String
    /// The blobs of the layers with `weights.bin`.
    private(set) var blobs: [Form: (hex: String, size: Int)] = [:]
    private let bench: CommandFixture
    private var caches = 0

    /// - Parameter size: bytes of the file.
    init(_ forms: [Form], size: Int, _ bench: CommandFixture) throws {
        self.bench = bench
        registry = try DockerRegistry()
        let directory = try bench.directory.subdirectory("noise")
        truth = directory + "/weights.bin"
        try Command.check("sh", ["-c", "head -c \(size) /dev/urandom > \(truth)"])
        let tar = directory + "/layer.tar"
        try Command.check(
            "tar", ["--format=ustar", "-b1", "--owner=0", "--group=0", "-cf", tar, "-C", directory, "weights.bin"])
        for form in forms {
            let file = "\(directory)/\(form)"
            // zstd reads a file, so that it knows the length beforehand.
            let filter = form == .plain ? "cat" : "\(form) -1 -c"
            try Command.check("sh", ["-c", "\(filter) \(tar) > \(file)"], timeout: 300)
            let hex = String(try Command.check("sha256sum", [file]).output.prefix(64))
            let blob = (hex, Int(try Command.check("stat", ["-c", "%s", file]).output.dropLast()) ?? 0)
            blobs[form] = blob
            try registry.plant(file, hex: hex, in: "\(form)")
            let layout = try bench.directory.subdirectory("layout-\(form)")
            var kit = KitBuilder(directory: layout)
            var layer = KitBuilder.Layer(.model, "weights.bin", tar: [])
            layer.compression = LayerCompression(rawValue: form.rawValue)
            layer.planted = blob
            kit.add(layer)
            kit.add(.init(.docs, "README.md", raw: Array("beside it".utf8)))
            try kit.write(tag: "v1", package: "noise")
            try registry.push(layout: layout, tag: "v1", to: "\(form):v1")
        }
        try registry.resetRequests()
    }

    func blob(_ form: Form) throws -> (hex: String, size: Int) {
        guard let blob = blobs[form] else { throw TestSupportError("no kit of form \(form)") }
        return blob
    }

    /// The requests for the layer, with one answer per line, for a message.
    func history(_ form: Form) throws -> String {
        let blob = try blob(form).hex
        return try registry.requests().filter { $0.blobHex == blob }.map { "\($0)" }.joined(separator: "\n")
    }

    /// Mounts a kit from `host`, the registry itself or a server in front of it, with a new cache.
    func mount(_ form: Form, _ verify: Verify, at host: String? = nil, _ options: String...) throws -> Mount {
        caches += 1
        bench.environment["KITFS_CACHE"] = "\(bench.directory.path)/cache-\(caches)"
        return try mountAgain(form, verify, at: host, options)
    }

    /// Mounts with the cache of the last mount.
    func mountAgain(_ form: Form, _ verify: Verify, at host: String? = nil, _ options: [String] = []) throws -> Mount {
        try bench.mount("\(host ?? registry.host)/\(form):v1", ["--verify", verify.rawValue] + options)
    }

    /// What a reader of all of `weights.bin` gets.
    enum Outcome: Equatable { case right, error, wrongBytes, stillReading }

    func reader(_ mount: Mount) throws -> BackgroundProcess {
        try BackgroundProcess("cmp", ["-s", mount.path + "/weights.bin", truth])
    }

    static func outcome(_ reader: BackgroundProcess, within seconds: Double = 60) -> Outcome {
        switch reader.waitForExit(timeout: seconds) {
        case nil: .stillReading
        case 0?: .right
        case 1?: .wrongBytes
        default: .error
        }
    }

    func read(_ mount: Mount, within seconds: Double = 60) throws -> Outcome {
        Self.outcome(try reader(mount), within: seconds)
    }
}
