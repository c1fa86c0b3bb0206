// SPDX-License-Identifier: Apache-2.0
package import OCI

/// Where in a layer's directory the bytes of the uncompressed layer are: a large member has a file of its own, from
/// byte 0, which is what FUSE passthrough needs; so has the one file of a raw layer, however small; everything else is
/// in `stream`, at its own offset.
package struct LayerLayout: Sendable, Equatable {
    /// Contents of the large members, by offset; they do not overlap.
    package private(set) var members: [ByteRange]

    /// Contents of so many bytes and more get a file of their own.
    package static let largeMember: UInt64 = 1 << 20

    package static func hasOwnFile(_ content: ByteRange, in form: LayerForm) -> Bool {
        form.archive == .raw || content.count >= largeMember
    }

    package init(members: [ByteRange] = []) { self.members = members }

    /// `content` must lie behind all members so far, as it does when a tar is read in order.
    package mutating func append(_ content: ByteRange) {
        precondition(members.last.map { $0.end <= content.start } ?? true)
        members.append(content)
    }

    package enum File: Equatable {
        case stream
        /// The file `members/START`.
        case member(start: UInt64)
    }

    /// One run that lies in one file, at `position` there.
    package struct Segment: Equatable {
        package let file: File
        package let position: UInt64
        package let count: UInt64
    }

    /// The first run of `range`, which is in the uncompressed layer and not empty.
    package func segment(of range: ByteRange) -> Segment {
        var low = 0
        var high = members.count
        while low < high {  // the first member that ends behind the range's start
            let middle = (low + high) / 2
            if members[middle].end > range.start { high = middle } else { low = middle + 1 }
        }
        guard low < members.count, members[low].start < range.end else {
            return Segment(file: .stream, position: range.start, count: range.count)
        }
        let member = members[low]
        if member.start > range.start {
            return Segment(file: .stream, position: range.start, count: member.start - range.start)
        }
        return Segment(
            file: .member(start: member.start), position: range.start - member.start,
            count: min(range.end, member.end) - range.start)
    }
}
