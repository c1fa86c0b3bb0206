// SPDX-License-Identifier: Apache-2.0
import TestSupport

@testable import LayerFormat
@testable import DurableFiles
@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

extension FuzzTarget {
    /// A tar, read by a lister and as a stream in pieces of any size. Both build an index, and the index's file must
    /// give it back.
    static let tar = FuzzTarget(name: "tar", seeds: { TarReadings.seeds }) { bytes in
        TarReadings.check(bytes)
        let mended = TarReadings.withGoodChecksums(bytes)
        if mended != bytes { TarReadings.check(mended) }
    }
}

enum TarReadings {
    /// The members before the end, or before the error.
    struct Reading: Equatable {
        var members: [TarMember] = []
        var error: TarError?
    }

    static func check(_ tar: [UInt8]) {
        let listed = list(tar)
        let whole = follow(tar) { try $0(tar.span.bytes) }
        let pieces = follow(tar) { try Pieces.push(tar, $0) }
        require(whole == pieces, "pieces matter: \(whole) \(pieces)")
        require((listed.error == nil) == (whole.error == nil), "listed \(listed), followed \(whole)")
        if listed.error == nil { require(listed == whole, "listed \(listed), followed \(whole)") }
        require(whole.members.count <= tar.count / 512, "more members than headers")
        for member in listed.members {
            require(member.contentOffset + member.size <= UInt64(tar.count), "content outside: \(member)")
        }
        buildIndex(whole.members, UInt64(tar.count))
    }

    static func list(_ tar: [UInt8]) -> Reading {
        var reading = Reading()
        var parser = TarParser(length: UInt64(tar.count))
        do throws(TarError) {
            while parser.wanted > 0 {
                let end = parser.offset + UInt64(parser.wanted)
                guard end <= UInt64(tar.count) else {
                    reading.error = parser.prematureEnd(at: UInt64(tar.count))
                    break
                }
                if let member = try parser.consume(Array(tar[Int(parser.offset)..<Int(end)])) {
                    reading.members.append(member)
                }
            }
        } catch { reading.error = error }
        return reading
    }

    private static func follow(_ tar: [UInt8], _ push: ((RawSpan) throws -> Void) throws -> Void) -> Reading {
        var reading = Reading()
        var follower = TarStreamParser()
        do {
            try push { piece in try follower.push(piece) { reading.members.append($0) } }
            try follower.finish()
        } catch {
            reading.error = error as? TarError
            require(reading.error != nil, "\(error)")
        }
        return reading
    }

    private static func buildIndex(_ members: [TarMember], _ size: UInt64) {
        var builder = LayerIndexBuilder()
        do throws(LayerIndexBuilder.Failure) {
            for member in members { try builder.add(member) }
        } catch {
            require(!error.description.isEmpty, "an error without words")
            return
        }
        let index = builder.finish(layerSize: size, contentDigest: nil, isVerified: false)
        IndexReadings.walk(index)
        require(IndexReadings.isWellNamed(index), "a name that cannot be one")
        require(LayerIndex(decoding: index.encoded(blobSize: size), blobSize: size) == index, "not what was written")
    }

    /// Corrects the checksum of each header that the parser would reach, so that it parses what comes after.
    static func withGoodChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var tar = bytes
        var parser = TarParser(length: UInt64(tar.count))
        var isHeader = true
        while parser.wanted > 0, parser.offset + UInt64(parser.wanted) <= UInt64(tar.count) {
            let start = Int(parser.offset)
            var wanted = Array(tar[start..<start + parser.wanted])
            var hasContent = false
            if isHeader, !TarHeader.isZero(wanted) {
                setChecksum(&wanted)
                tar.replaceSubrange(start..<start + 512, with: wanted)
                let size = (try? TarHeader(parsing: wanted, at: 0))?.size ?? 0
                hasContent = TarExtensions.isExtension(wanted[156]) && size > 0
            }
            do { _ = try parser.consume(wanted) } catch { return tar }
            isHeader = !hasContent
        }
        return tar
    }

    private static func setChecksum(_ header: inout [UInt8]) {
        header.replaceSubrange(148..<156, with: repeatElement(32, count: 8))
        var sum = header.reduce(0) { $0 + Int($1) }
        for place in (148..<154).reversed() {
            header[place] = UInt8(48 + sum % 8)
            sum /= 8
        }
        header[154] = 0
    }
}
