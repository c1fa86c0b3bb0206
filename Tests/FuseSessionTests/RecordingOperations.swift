// SPDX-License-Identifier: Apache-2.0
import FuseSession
import Synchronization
import SystemPackage

/// Answers as a test tells it, and notes what it was asked.
final class RecordingOperations: FuseOperations {
    private let notes = Mutex<[String]>([])
    let onRead: @Sendable (consuming DataRequest, UInt64, Int) -> Void

    var asked: [String] { notes.withLock { $0 } }

    init(
        onRead: @escaping @Sendable (consuming DataRequest, UInt64, Int) -> Void = { request, _, _ in request.reply([])
        }
    ) {
        self.onRead = onRead
    }

    private func note(_ text: String) { notes.withLock { $0.append(text) } }

    private let file = FuseAttributes(
        inode: 2, kind: .file, mode: 0o444, size: 5, modified: 0, owner: 0, group: 0, timeout: 1)

    func started() {}

    func lookup(_ request: consuming LookupRequest, parent: UInt64, name: [UInt8]) {
        note("lookup \(parent) \(name)")
        request.reply(file)
    }

    /// Forgets to answer.
    func attributes(_ request: consuming AttributesRequest, inode: UInt64) { note("attributes \(inode)") }

    func readLink(_ request: consuming LinkRequest, inode: UInt64) { request.reply(Array("target".utf8)) }

    func open(_ request: consuming OpenRequest, inode: UInt64) {
        note("open \(inode)")
        _ = request.reply(handle: 7, keepsCache: true)
    }

    func read(_ request: consuming DataRequest, handle: UInt64, offset: UInt64, size: Int) {
        note("read \(handle) \(offset) \(size)")
        onRead(request, offset, size)
    }

    func release(handle: UInt64, inode: UInt64) { note("release \(handle) \(inode)") }

    func openDirectory(_ request: consuming OpenRequest, inode: UInt64) {
        _ = request.reply(handle: 7, keepsCache: false)
    }

    /// As many entries as fit, each of the same name.
    func readDirectory(_ request: consuming DirectoryRequest, handle: UInt64, offset: UInt64) {
        note("readDirectory \(handle) \(offset)")
        var request = request
        var next = offset + 1
        while next < 1000,
            request.add(name: Array("name".utf8), inode: 2, kind: .file, attributes: nil, next: next)
        {
            next += 1
        }
        request.reply()
    }

    func releaseDirectory(handle: UInt64) { note("releaseDirectory \(handle)") }

    func statistics(_ request: consuming StatisticsRequest) { request.reply(size: 1, files: 1) }

    func extendedAttribute(_ request: consuming DataRequest, inode: UInt64, named name: String, capacity: Int) {
        note("extendedAttribute \(name)")
        request.reply(Array("value".utf8), capacity: capacity)
    }

    func extendedAttributeNames(_ request: consuming DataRequest, inode: UInt64, capacity: Int) {
        request.fail(.noData)
    }
}
