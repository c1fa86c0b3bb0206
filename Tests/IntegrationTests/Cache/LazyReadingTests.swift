// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Bytes that are not read are not fetched. This is counted at the registry, on layers that are far larger than a
/// listing or one reader should fetch.
@Suite struct LazyReadingTests {
    /// No layer here is read as a whole, so nobody sees that this digest is wrong.
    private static let dataset = String(repeating: "d5", count: 32)
    private static let model = String(repeating: "3d", count: 32)
    private static let fileSize = 4 << 20
    private static let fileCount = 64
    private static let modelSize = 1 << 30

    private let registry: DockerRegistry
    private let bench: CommandFixture
    private let reference: String
    private let datasetSize: Int

    /// A dataset of 64 files of 4 MiB, and a model of one file of 1 GiB, in a tar or raw.
    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
        reference = "\(registry.host)/lazy:v1"
        let dataset = try SparseTar(path: bench.directory.path + "/dataset")
        try dataset.directory("data")
        for number in 0..<Self.fileCount {
            try dataset.member("data/\(number).bin", number: number, size: Self.fileSize)
        }
        try dataset.finish()
        datasetSize = dataset.size
        try registry.plant(dataset.path, hex: Self.dataset, in: "lazy")
    }

    /// - Parameter isRaw: whether the model is a raw layer.
    private func push(isRaw: Bool = false) throws {
        let model = try SparseTar(path: bench.directory.path + "/model", step: 65_536)
        if isRaw {
            try model.content(number: 99, size: Self.modelSize)
        } else {
            try model.member("weights.bin", number: 99, size: Self.modelSize)
            try model.finish()
        }
        try registry.plant(model.path, hex: Self.model, in: "lazy")
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var layer = isRaw ? KitBuilder.Layer(.model, "weights.bin", raw: []) : .init(.model, "weights.bin", tar: [])
        layer.planted = (Self.model, model.size)
        kit.add(layer)
        var data = KitBuilder.Layer(.dataset, "data", tar: [])
        data.planted = (Self.dataset, datasetSize)
        kit.add(data)
        try kit.write(tag: "v1", package: "lazy")
        try registry.push(layout: layout, tag: "v1", to: "lazy:v1")
        try registry.resetRequests()
    }

    @Test func listingAndReadingPartsOfPlainLayers() throws {
        try push()
        let mount = try bench.mount(reference, "--verify", "while-streaming")
        #expect(try Command.check("find", [mount.path, "-type", "f"]).output.split(separator: "\n").count == 66)
        let listing = try Command.check("ls", ["-lR", mount.path]).output
        #expect(listing.contains(" \(Self.fileSize) ") && listing.contains(" \(Self.modelSize) "))
        let listed = try registry.bytesMoved(blob: Self.dataset)
        #expect(listed < datasetSize / 100, "\(listed) bytes to list \(datasetSize)")
        #expect(try registry.bytesMoved(blob: Self.model) <= 8 << 10)
        // One request fetches many headers.
        let requests = try registry.requests().filter { $0.blobHex == Self.dataset }.count
        #expect(requests <= 10, "\(requests) requests")

        try registry.resetRequests()
        #expect(try mount.read("data/40.bin") == SparseTar.bytes(number: 40, 0..<Self.fileSize))
        let moved = try registry.bytesMoved(blob: Self.dataset)
        #expect(moved <= Self.fileSize * 11 / 10, "\(moved) bytes to read \(Self.fileSize)")
        #expect(try registry.bytesMoved(blob: Self.model) == 0)
        print("listing 64 files of 4 MiB: \(listed) bytes; reading one: \(moved)")

        try readAtRandom(mount)
        try mount.unmount()
    }

    /// Object stores answer a request for several parts with the whole blob, or with an error. Each part is then
    /// requested separately.
    @Test(arguments: FaultyRegistry.SeveralParts.allCases)
    func listingWhereOnePartIsGivenAtATime(_ answer: FaultyRegistry.SeveralParts) throws {
        try push()
        let front = try FaultyRegistry(of: registry, blob: Self.dataset)
        front.faults.severalParts = answer
        let mount = try bench.mount("\(front.host)/lazy:v1")
        #expect(try Command.check("find", [mount.path, "-type", "f"]).output.split(separator: "\n").count == 66)
        // The limit allows for what the kernels' buffers take of a whole blob before its connection is closed.
        #expect(front.moved < 16 << 20, "\(front.moved) bytes to list \(datasetSize)")
        try mount.unmount()
    }

    @Test func readingPartsOfARawLayer() throws {
        try push(isRaw: true)
        let mount = try bench.mount(reference, "--verify", "while-streaming=model")
        #expect(try Command.check("stat", ["-c", "%s", mount.path + "/weights.bin"]).output == "\(Self.modelSize)\n")
        #expect(try registry.totalBlobBytes() < 16 << 10)
        try readAtRandom(mount)
        try mount.unmount()
    }

    /// Reads in the second half, which no earlier read has fetched.
    private func readAtRandom(_ mount: Mount) throws {
        let file = try OpenedFile(mount.path + "/weights.bin")
        for part in 0..<3 {
            try registry.resetRequests()
            let place = Int.random(in: 0..<(Self.modelSize / 4 - (2 << 20))) + (part + 1) * Self.modelSize / 4
            let range = place..<(place + (1 << 20))
            #expect(file.read(range) == .success(SparseTar.bytes(number: 99, range, step: 65_536)), "\(range)")
            let moved = try registry.bytesMoved(blob: Self.model)
            #expect(moved <= 3 << 19, "\(moved) bytes for a mebibyte at \(place)")
            print("1 MiB at \(place): \(moved) bytes")
        }
    }
}
