// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// One wrong byte. With verification before reads, it is never served. While a layer streams, it is found once the
/// layer is whole, by every process that serves the layer.
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

    /// Two processes hold the file open, and have read right and wrong bytes of it.
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
        // A compressed blob is fetched from its start, and faster than it is read, so the verdict may come before the
        // answer.
        for file in files {
            let head = file.read(0..<100_000)
            if form == .plain { #expect(head == .success(Array(truth[0..<100_000]))) }
        }
        if form == .plain {
            #expect(mapped?.load(as: UInt8.self) == truth[0])
            // The blob's offset is larger than the file's, by a tar header.
            let place = wrong - 512
            #expect(files[0].read(place..<(place + 1)) == .success([~truth[place]]))
        }
        // The first mount completes the layer. Its reader may reach the end of the file before the verdict.
        _ = try kit.read(mounts[0])
        for (number, file) in files.enumerated() {
            // Cached pages are invalidated too. That takes a second, or more on a busy machine.
            try eventually(within: 5, "process \(number) knows") { file.error(at: 10) == EIO }
            #expect(file.error(at: Self.size - 10) == EIO)
        }
        munmap(mapped, 4096)
        #expect(try bench.find(blob.hex) == [])
        // A new open fetches the layer again, and fails the same way until the registry has the right bytes.
        #expect(try kit.read(mounts[1]) != .right)
        registry.faults.wrongByte = nil
        for mount in mounts {
            try eventually(within: 20, "it is right again") { try kit.read(mount) == .right }
        }
        // Pages that the kernel has by now are right.
        for file in files {
            #expect(
                [.failure(.init(number: EIO)), .success(Array(truth[0..<100_000]))].contains(file.read(0..<100_000)))
            file.close()
        }
        for mount in mounts { try mount.unmount() }
    }

    /// The registry has another well-formed tar, with other offsets, under the layer's digest. Its listing does not
    /// stay.
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
            // Until the layer is whole, the sizes and offsets are those of the registry's tar.
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
    /// Files of a layer in all caches of the bench, except for the records that it was seen.
    func find(_ hex: String) throws -> [String] {
        let found = try Command.run("find", [directory.path, "-path", "*/cache*/*\(hex)*", "-type", "f"]).output
        return found.split(separator: "\n").map(String.init).filter { !$0.contains("/seen/") }
    }
}
