// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// One wrong byte: verified before it is read, it is never served; read while it streams, it is found out once the layer
/// is whole, by every process that serves it.
@Suite final class WrongByteTests {
    private static let size = 6 << 20
    private let bench: CommandFixture
    private let kit: NoiseKit

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit(NoiseKit.Form.allCases, size: Self.size, bench)
    }

    @Test(arguments: NoiseKit.Form.allCases) func neverServedBeforeRead(_ form: NoiseKit.Form) throws {
        let blob = try kit.blob(form)
        let registry = try FaultyRegistry(of: kit.registry, blob: blob.hex)
        registry.faults.wrongByte = blob.size / 4 * 3
        let mount = try kit.mount(form, .beforeRead, at: registry.host)
        #expect(mount.openError("weights.bin") == EIO)
        #expect(try bench.find(blob.hex) == [])
        registry.faults.wrongByte = nil
        #expect(try kit.read(mount) == .right)
        try mount.unmount()
    }

    /// Two processes hold the file open, and have read of it what was right and what was wrong.
    @Test(arguments: NoiseKit.Form.allCases) func foundOutInBothProcesses(_ form: NoiseKit.Form) throws {
        let blob = try kit.blob(form)
        let wrong = blob.size / 4 * 3
        let registry = try FaultyRegistry(of: kit.registry, blob: blob.hex)
        registry.faults.wrongByte = wrong
        let mounts = [
            try kit.mount(form, .whileStreaming, at: registry.host),
            try kit.mountAgain(form, .whileStreaming, at: registry.host),
        ]
        let truth = try readFile(kit.truth)
        let files = try mounts.map { try OpenedFile($0.path + "/weights.bin") }
        // Mapped pages are dropped like others.
        let mapped = mmap(nil, 4096, PROT_READ, MAP_SHARED, files[1].descriptor, 0)
        try #require(mapped != MAP_FAILED)
        // A compressed blob comes from its start on, and faster than it is read: the verdict may come before the answer.
        for file in files {
            let head = file.read(0..<100_000)
            if form == .plain { #expect(head == .success(Array(truth[0..<100_000]))) }
        }
        if form == .plain {
            #expect(mapped?.load(as: UInt8.self) == truth[0])
            // A tar's header comes before the file.
            let place = wrong - 512
            #expect(files[0].read(place..<(place + 1)) == .success([~truth[place]]))
        }
        // The first makes it whole; it may see the end of the file before the verdict.
        _ = try kit.read(mounts[0])
        for (number, file) in files.enumerated() {
            // Also what the kernel has: its pages are invalidated. A second, and time for a busy machine.
            try eventually(within: 5, "process \(number) knows") { file.error(at: 10) == EIO }
            #expect(file.error(at: Self.size - 10) == EIO)
        }
        munmap(mapped, 4096)
        #expect(try bench.find(blob.hex) == [])
        // A new open starts afresh; and finds the same as long as the registry is not mended.
        #expect(try kit.read(mounts[1]) != .right)
        registry.faults.wrongByte = nil
        for mount in mounts {
            try eventually(within: 20, "it is right again") { try kit.read(mount) == .right }
        }
        // What the kernel has by now is right.
        for file in files {
            #expect(
                [.failure(.init(number: EIO)), .success(Array(truth[0..<100_000]))].contains(file.read(0..<100_000)))
            file.close()
        }
        for mount in mounts { try mount.unmount() }
    }

    /// The registry has a well-formed tar of other places under the layer's digest: what was listed of it does not stay.
    @Test(arguments: NoiseKit.Verify.allCases) func otherHeaders(_ verify: NoiseKit.Verify) throws {
        let layout = try bench.directory.subdirectory("layout")
        let content = noise(1_500_000)
        var tar = TarBuilder()
        tar.file("data/a", content)
        tar.file("data/b", [1, 2, 3])
        var other = TarBuilder()
        other.file("data/b", [1, 2, 3])
        other.file("data/a", content)
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.dataset, "data", tar: tar.finish()))
        let hex = try kit.write(tag: "v1", package: "header").layerHexes[0]
        try self.kit.registry.push(layout: layout, tag: "v1", to: "header:v1")
        let blob = self.kit.registry.blobFile(hex: hex)
        try writeFile(blob, other.finish())
        let mount = try bench.mount("\(self.kit.registry.host)/header:v1", "--verify", verify.rawValue)
        #expect(try Command.check("ls", [mount.path + "/data"]).output == "a\nb\n")
        if verify == .beforeRead {
            #expect(mount.openError("data/a") == EIO)
        } else {
            // Until it is whole, they are what the registry has.
            _ = try? mount.read("data/a")
            try eventually(within: 10, "it is found out") { try mount.bench.find(hex) == [] }
        }
        try writeFile(blob, tar.finish())
        try eventually(within: 20, "it is right") { (try? mount.read("data/b")) == [1, 2, 3] }
        try eventually(within: 20, "so is the other") { (try? mount.read("data/a")) == content }
        #expect(try Command.check("ls", [mount.path + "/data"]).output == "a\nb\n")
        try mount.unmount()
    }
}

extension CommandFixture {
    /// Files of a layer in all caches of the bench, but for what remembers that it was seen.
    func find(_ hex: String) throws -> [String] {
        let found = try Command.run("find", [directory.path, "-path", "*/cache*/*\(hex)*", "-type", "f"]).output
        return found.split(separator: "\n").map(String.init).filter { !$0.contains("/seen/") }
    }
}
