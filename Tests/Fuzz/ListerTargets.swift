// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Threading

@testable import LayerFormat
@testable import DurableFiles
@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

extension FuzzTarget {
    /// A tar listed by its headers, in windows. It must give the same entries as without windows, and request no byte
    /// twice.
    static let tarList = FuzzTarget(name: "tarlist", seeds: { TarReadings.seeds }) { bytes in
        try ListerReadings.checkWindows(bytes)
        let mended = TarReadings.withGoodChecksums(bytes)
        if mended != bytes { try ListerReadings.checkWindows(mended) }
    }

    /// Listing a layer without its content. The input is a claimed size (8 bytes), the form (1 byte) and the blob. The
    /// same bytes are also tried as a tar inside gzip and zstd streams that do not compress, with the true length and
    /// the claimed one.
    static let head = FuzzTarget(name: "head", seeds: { ListerReadings.heads }) { bytes in
        var input = FuzzInput(bytes)
        let claim = input.number(UInt64.self)
        let form = ListerReadings.forms[Int(input.number(UInt8.self)) % ListerReadings.forms.count]
        let rest = Array(input.rest)
        try ListerReadings.check(rest, form, claim)
        let tar = TarReadings.withGoodChecksums(rest)
        for size in [UInt64(tar.count), claim] {
            try ListerReadings.check(ZstdStream(of: tar, claiming: size).bytes, LayerForm(.tar, .zstd), nil)
            try ListerReadings.check(StoredGzip.stream(of: tar, claiming: size), LayerForm(.tar, .gzip), nil)
        }
    }
}

enum ListerReadings {
    private static let guessing = WorkerPool(limit: 16)

    static let forms = [
        LayerForm(.tar, .gzip), LayerForm(.tar, .zstd), LayerForm(.tar), LayerForm(.raw), LayerForm(.raw, .gzip),
        LayerForm(.raw, .zstd),
    ]

    /// Throws what is wrong with a tar. A list of nil is accepted, since only the content tells then.
    static func check(_ blob: [UInt8], _ form: LayerForm, _ claim: UInt64?) throws {
        let source = try MemorySource()
        let lister = EntryLister(
            form: form, blob: try source.add(blob), claimedSize: claim.map { $0 & UInt64(Int64.max) }, source: source,
            guessing: guessing, cancellation: Cancellation())
        do {
            guard let index = try lister.list() else { return }
            require(!index.isVerified, "verified, by its headers")
            IndexReadings.walk(index)
            require(IndexReadings.isWellNamed(index), "a name that cannot be one")
            let size = UInt64(blob.count)
            require(
                LayerIndex(decoding: index.encoded(blobSize: size), blobSize: size) == index, "not what was written")
        } catch { require(error is TarError || error is LayerIndexBuilder.Failure, "\(error)") }
        require(form.compression == nil || source.moved <= 16 << 10, "\(source.moved) bytes for a head")
    }

    static func checkWindows(_ tar: [UInt8]) throws {
        let source = try MemorySource()
        var lister = TarLister(
            blob: try source.add(tar), source: source, guessing: guessing, cancellation: Cancellation())
        let expected = index(of: tar)
        do {
            let index = try lister.index()
            require(index == expected, "other entries than without windows")
        } catch {
            require(error is TarError || error is LayerIndexBuilder.Failure, "\(error)")
            require(expected == nil, "\(error), but not without windows")
        }
        require(source.moved <= UInt64(tar.count), "\(source.moved) bytes of \(tar.count)")
    }

    /// nil if it is not a tar, or not the tree of a layer.
    private static func index(of tar: [UInt8]) -> LayerIndex? {
        let reading = TarReadings.list(tar)
        guard reading.error == nil else { return nil }
        var builder = LayerIndexBuilder()
        for member in reading.members {
            do { try builder.add(member) } catch { return nil }
        }
        return builder.finish(layerSize: UInt64(tar.count), contentDigest: nil, isVerified: false)
    }

    /// Tars of one small file, the only ones that a head is enough to list, and others.
    static var heads: [[UInt8]] {
        var single = TarBuilder()
        single.directory("d")
        single.file("d/f", [1, 2, 3])
        return ([single.finish()] + TarReadings.seeds).flatMap { tar in
            [UInt64(tar.count), UInt64(Int64.max)].map { FuzzInput.bytes(of: $0) + [2] + tar }
        }
    }
}

/// gzip with stored blocks only. Spec: RFC 1951, section 3.2.4; RFC 1952, section 2.3.
enum StoredGzip {
    /// - Parameter size: the length that the trailer states, of which gzip keeps 32 bits.
    static func stream(of content: [UInt8], claiming size: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
        for start in stride(from: 0, to: max(1, content.count), by: 0xffff) {
            let end = min(content.count, start + 0xffff)
            let count = UInt16(end - start)
            bytes += [end == content.count ? 1 : 0] + FuzzInput.bytes(of: count) + FuzzInput.bytes(of: ~count)
            bytes += content[start..<end]
        }
        return bytes + FuzzInput.bytes(of: CRC32.of(content)) + FuzzInput.bytes(of: UInt32(truncatingIfNeeded: size))
    }
}
