// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A process without descriptors cannot tell whether a layer is cached. That is an error, and no reason to fetch the layer.
@Suite struct ShortageTests {
    private static let count = 40
    private let bench: CommandFixture
    private let registry: DockerRegistry

    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        for number in 0..<Self.count { kit.add(.init(.dataset, "d\(number)", raw: Self.content(number))) }
        try kit.write(tag: "v1", package: "many")
        try registry.push(layout: layout, tag: "v1", to: "many:v1")
    }

    private static func content(_ number: Int) -> [UInt8] { Array("layer \(number)".utf8) }

    @Test func noDescriptorsLeft() throws {
        let reference = "\(registry.host)/many:v1"
        try bench.kitfs("pull", reference)
        try registry.resetRequests()
        let target = try bench.directory.subdirectory("mnt")
        // A mounted layer takes two descriptors, and two more while a file of it is open.
        let arguments = ["--nofile=132:132", CommandFixture.executable] + bench.logged(["mount", reference, target])
        try Command.check("prlimit", arguments, environment: bench.environment)
        let mount = Mount(path: target, bench: bench)
        var held: [Int32] = []
        var errors: Set<Int32> = []
        for number in 0..<Self.count {
            let descriptor = open(mount.path + "/d\(number)", O_RDONLY | O_CLOEXEC)
            if descriptor >= 0 { held.append(descriptor) } else { errors.insert(errno) }
        }
        #expect(errors == [EIO], "no layer was refused, of \(held.count) open ones")
        for descriptor in held { close(descriptor) }
        // What was refused is read once others are closed.
        for number in 0..<Self.count {
            try eventually(within: 20, "layer \(number) is read") {
                (try? mount.read("d\(number)")) == Self.content(number)
            }
        }
        #expect(try registry.totalBlobBytes() == 0)
        try mount.unmount()
    }
}
