// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LayerFormat

/// The two ways of reading a tar.
enum TarReading {
    /// Reads a tar in memory by a parser, as a lister does by range requests.
    static func list(_ tar: [UInt8], length: UInt64? = nil) throws -> [TarMember] {
        var parser = TarParser(length: length ?? UInt64(tar.count))
        var members: [TarMember] = []
        while parser.wanted > 0 {
            let end = parser.offset + UInt64(parser.wanted)
            guard end <= UInt64(tar.count) else {
                if let error = parser.prematureEnd(at: UInt64(tar.count)) { throw error }
                break
            }
            if let member = try parser.consume(Array(tar[Int(parser.offset)..<Int(end)])) { members.append(member) }
        }
        return members
    }

    /// Reads a tar as a stream, in pieces of the sizes that `next` gives.
    static func follow(_ tar: [UInt8], next: () -> Int) throws -> [TarMember] {
        var follower = TarStreamParser()
        var members: [TarMember] = []
        var done = 0
        while done < tar.count {
            let end = min(done + next(), tar.count)
            try follower.push(tar.span.bytes.extracting(done..<end)) { members.append($0) }
            done = end
            #expect(follower.position == UInt64(done))
        }
        try follower.finish()
        return members
    }

    static func follow(_ tar: [UInt8], piece: Int) throws -> [TarMember] { try follow(tar) { piece } }

    /// Reads in both ways, whose results must be equal.
    static func members(_ tar: [UInt8]) throws -> [TarMember] {
        let listed = try list(tar)
        #expect(try follow(tar, piece: max(1, tar.count)) == listed)
        return listed
    }
}

extension TarMember {
    var name: String { String(decoding: path, as: UTF8.self) }
    func content(in tar: [UInt8]) -> ArraySlice<UInt8> { tar[Int(contentOffset)..<Int(contentOffset + size)] }
}

/// SplitMix64, which gives the same numbers in each run, so that a failure can be reproduced.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
