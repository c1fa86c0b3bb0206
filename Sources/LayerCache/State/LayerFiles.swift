// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
internal import OCI
package import SystemPackage

/// Reads and writes the bytes of an uncompressed layer in its directory, by offset in the layer.
///
/// Belongs to one thread: the last member stays open from one call to the next.
package struct LayerFiles {
    package var layout: LayerLayout
    private let directory: DirectoryHandle
    private let members: DirectoryHandle
    private let stream: OwnedFile
    private let isWritable: Bool
    private var current: (start: UInt64, file: OwnedFile)?

    package static let streamName = "stream"
    package static let membersName = "members"
    /// The compressed blob, until the layer is committed.
    package static let blobName = "blob"

    package init(directory: DirectoryHandle, layout: LayerLayout) throws(Errno) {
        self.directory = directory
        self.layout = layout
        members = try directory.makeDirectory(Self.membersName)
        stream = try directory.file(Self.streamName, .create(exclusive: false))
        isWritable = true
    }

    /// Opens the files of a whole layer for reading.
    package init(reading directory: DirectoryHandle, layout: LayerLayout) throws(Errno) {
        self.directory = directory
        self.layout = layout
        members = try directory.directory(Self.membersName)
        stream = try directory.file(Self.streamName, .read)
        isWritable = false
    }

    package mutating func write(_ bytes: RawSpan, at offset: UInt64) throws(Errno) {
        var done = 0
        while done < bytes.byteCount {
            let segment = layout.segment(of: try range(offset, done, bytes.byteCount))
            let piece = bytes.extracting(done..<(done + Int(segment.count)))
            try opened(segment.file).write(piece, at: segment.position)
            done += Int(segment.count)
        }
    }

    /// Fills `buffer`. Throws `Errno.outOfRange` if bytes are missing.
    package mutating func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
        var done = 0
        while done < buffer.count {
            let segment = layout.segment(of: try range(offset, done, buffer.count))
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + Int(segment.count))])
            guard try opened(segment.file).read(at: segment.position, into: piece) == piece.count else {
                throw .outOfRange
            }
            done += Int(segment.count)
        }
    }

    /// Length of the stream in bytes. It has holes where members have their own files.
    package var length: UInt64 { get throws(Errno) { try stream.attributes.size } }

    /// Sets the length of the stream and makes the files of empty members, which no write does.
    package func setLength(_ size: UInt64) throws(Errno) {
        try stream.truncate(to: size)
        for member in layout.members where member.isEmpty {
            _ = try members.file(String(member.start), .create(exclusive: false))
        }
    }

    /// Waits until all files and their names are on disk: first files, then directories.
    package func sync() throws(Errno) {
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

    private mutating func opened(_ file: LayerLayout.File) throws(Errno) -> OwnedFile {
        guard case .member(let start) = file else { return stream }
        if let current, current.start == start { return current.file }
        let file = try members.file(String(start), isWritable ? .create(exclusive: false) : .read)
        current = (start, file)
        return file
    }
}

extension LayerFiles {
    /// The layout of a whole layer, from the names and sizes of its members' files.
    package static func layout(of directory: DirectoryHandle) throws(Errno) -> LayerLayout {
        let members = try directory.directory(LayerFiles.membersName)
        var large: [ByteRange] = []
        for name in try members.names() {
            guard let start = UInt64(name),
                let range = ByteRange(start: start, count: try members.attributes(of: name).size)
            else { throw Errno.outOfRange }
            large.append(range)
        }
        large.sort { $0.start < $1.start }
        var layout = LayerLayout()
        for member in large {
            guard layout.members.last.map({ $0.end <= member.start }) ?? true else { throw .outOfRange }
            layout.append(member)
        }
        return layout
    }
}
