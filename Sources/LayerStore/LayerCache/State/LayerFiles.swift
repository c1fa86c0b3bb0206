// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage

/// Reads and writes the bytes of an uncompressed layer in its directory, by layer offset.
///
/// Belongs to one thread: the member in use is kept open from one call to the next.
struct LayerFiles {
    var layout: LayerLayout
    private let directory: DirectoryHandle
    private let members: DirectoryHandle
    private let stream: OwnedFile
    private let isWritable: Bool
    private var current: (start: UInt64, file: OwnedFile)?

    static let streamName = "stream"
    static let membersName = "members"

    init(directory: DirectoryHandle, layout: LayerLayout) throws(Errno) {
        self.directory = directory
        self.layout = layout
        members = try directory.makeDirectory(Self.membersName)
        stream = try directory.file(Self.streamName, .create(exclusive: false))
        isWritable = true
    }

    /// Of a whole layer, which is not written to.
    init(reading directory: DirectoryHandle, layout: LayerLayout) throws(Errno) {
        self.directory = directory
        self.layout = layout
        members = try directory.directory(Self.membersName)
        stream = try directory.file(Self.streamName, .read)
        isWritable = false
    }

    mutating func write(_ bytes: RawSpan, at offset: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.byteCount {
            let segment = layout.segment(of: try range(offset, done, bytes.byteCount))
            let piece = bytes.extracting(done..<(done + Int(segment.count)))
            try file(segment.place).write(piece, at: segment.position)
            done += Int(segment.count)
        }
    }

    /// Fills `buffer`; throws `Errno.outOfRange` where bytes are missing.
    mutating func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
        var done = 0
        while done < buffer.count {
            let segment = layout.segment(of: try range(offset, done, buffer.count))
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + Int(segment.count))])
            guard try file(segment.place).read(at: segment.position, into: piece) == piece.count else {
                throw .outOfRange
            }
            done += Int(segment.count)
        }
    }

    /// Of the stream, with holes where members have files of their own; bytes.
    var length: UInt64 { get throws(Errno) { try stream.attributes.size } }

    /// Gives stream and members their full length, so that what is all zeros or empty is there too.
    func setLength(_ size: UInt64) throws(Errno) {
        try stream.truncate(to: size)
        for member in layout.members where member.isEmpty {
            _ = try members.file(String(member.start), .create(exclusive: false))
        }
    }

    /// Waits until all of it, and the names, are on disk: first files, then directories.
    func sync() throws(Errno) {
        try stream.sync()
        for member in layout.members { try members.file(String(member.start), .readWrite).sync() }
        try members.sync()
        try directory.sync()
    }

    private func range(_ offset: UInt64, _ done: Int, _ count: Int) throws(Errno) -> ByteRange {
        guard let range = ByteRange(start: offset + UInt64(done), count: UInt64(count - done)) else {
            throw .fileTooLarge
        }
        return range
    }

    private mutating func file(_ place: LayerLayout.Place) throws(Errno) -> OwnedFile {
        guard case .member(let start) = place else { return stream }
        if let current, current.start == start { return current.file }
        let file = try members.file(String(start), isWritable ? .create(exclusive: false) : .read)
        current = (start, file)
        return file
    }
}
