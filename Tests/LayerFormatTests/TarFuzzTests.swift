// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct TarFuzzTests {
    /// Mutated tars are read or refused, without a trap or an endless loop, and both ways of reading agree.
    @Test(.timeLimit(.minutes(1)), arguments: 0..<8) func mutations(_ round: Int) throws {
        var generator = SeededGenerator(seed: UInt64(round))
        var parsed = 0
        for _ in 0..<250 {
            let tar = Self.mutated(TarStreamParserTests.tar, &generator)
            let listed = Result { try TarReading.list(tar) }
            let followed = Result { try TarReading.follow(tar) { Int.random(in: 1...3000, using: &generator) } }
            switch (listed, followed) {
            case (.success(let members), .success(let same)):
                #expect(members == same)
                #expect(members.allSatisfy { $0.contentOffset + $0.size <= UInt64(tar.count) })
                #expect(members.count <= tar.count / 512)
                parsed += 1
            case (.failure(let error), .failure(let same)):
                #expect(error is TarError && same is TarError, "\(error), \(same)")
            default:
                Issue.record("listed and followed differ: \(tar.count) bytes, \(followed)")
            }
        }
        // Some mutations in content do no harm. Most others do.
        #expect((1..<250).contains(parsed))
    }

    /// Corrects the checksum, so that later checks are reached.
    @Test(.timeLimit(.minutes(1))) func mutatedHeadersWithGoodChecksums() throws {
        var generator = SeededGenerator(seed: 99)
        for _ in 0..<2000 {
            var tar = TarBuilder()
            tar.pax([("path", Array("x".utf8))])
            tar.raw(Array("f".utf8), [UInt8](repeating: 1, count: 100)) { header in
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    header[Int.random(in: 0..<512, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                }
                if Bool.random(using: &generator) {
                    header[156] = "01234567xgLKSV".utf8.randomElement(using: &generator) ?? 0
                }
            }
            tar.file("g", [1])
            let bytes = tar.finish()
            do {
                #expect(try TarReading.list(bytes).count <= bytes.count / 512)
            } catch {
                #expect(error is TarError)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func randomRecords() throws {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("0123456789 =\npathsizemtime-.\u{0}".utf8)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...60, using: &generator)
            let records = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            var tar = TarBuilder()
            tar.raw([120], type: "x", records) { _ in }
            tar.file("f", [])
            do {
                #expect(try TarReading.list(tar.finish()).count == 1)
            } catch {
                #expect(error is TarError)
            }
        }
    }

    private static func mutated(_ tar: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = tar
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes.removeSubrange(index...)
            case 1: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...1024, using: &generator)))
            case 2: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
        }
        return bytes
    }
}
