// SPDX-License-Identifier: Apache-2.0
package import OCI

/// Where the bytes of the uncompressed layer are in the layer's directory. A large member has its own file, from byte
/// 0, as FUSE passthrough needs it; so has the file of a raw layer, of any size. All other bytes are in `stream`, at
/// their own offset.
package struct LayerLayout: Sendable, Equatable {
    /// Contents of the large members, sorted by offset. They do not overlap.
    package private(set) var members: [ByteRange]

    /// Contents of at least this many bytes get their own file.
    package static let largeMember: UInt64 = 1 << 20

    package static func hasOwnFile(_ content: ByteRange, in form: LayerForm) -> Bool {
        form.archive == .raw || content.count >= largeMember
    }

    package init(members: [ByteRange] = []) { self.members = members }

    /// `content` must start behind all earlier members, as it does when a tar is read in order.
    package mutating func append(_ content: ByteRange) {
        precondition(members.last.map { $0.end <= content.start } ?? true)
        members.append(content)
    }

    package enum File: Equatable {
        case stream
        /// The file `members/START`.
        case member(start: UInt64)
    }

    /// A run of bytes in one file, at `position` there.
    package struct Segment: Equatable {
        package let file: File
        package let position: UInt64
        package let count: UInt64
    }

    /// The first run of `range`. `range` is in the uncompressed layer and not empty.
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
