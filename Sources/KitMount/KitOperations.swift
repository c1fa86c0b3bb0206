// SPDX-License-Identifier: Apache-2.0
package import FuseSession
package import KitFileSystem
private import LayerStore
package import Logging
private import OCI
private import Synchronization
internal import SystemPackage

/// Answers the kernel from the tree of a kit: what is here at once, the rest once it has come.
package final class KitOperations: FuseOperations {
    let tree: KitFileSystem
    let waits: WaitLedger
    private let owner: (user: UInt32, group: UInt32)
    let logger: Logger
    private let onStart: @Sendable () -> Void
    private let backings: BackingFiles
    package let smallFiles = SmallFiles()
    let heldReads = HeldReads(limit: FuseSession.backgroundLimit * 7 / 8)

    /// Seconds for which the kernel keeps what will not change.
    private static let finalTimeout: Double = 86_400
    /// Seconds for which it keeps what is not verified yet.
    private static let provisionalTimeout: Double = 1

    /// An operation needs an index or two, then content; a layer may be evicted in between, but not for ever.
    static let triesLimit = 50

    package init(
        _ tree: KitFileSystem, _ waits: WaitLedger, _ backings: BackingFiles, owner: (user: UInt32, group: UInt32),
        logger: Logger,
        onStart: @escaping @Sendable () -> Void
    ) {
        self.tree = tree
        self.waits = waits
        self.backings = backings
        self.owner = owner
        self.logger = logger
        self.onStart = onStart
    }

    package func started() { onStart() }

    // MARK: Waiting

    /// Holds a wait until the one who may cancel it knows of it.
    final class WaitSlot: Sendable {
        private let state = Mutex<(wait: PendingWait?, isCancelled: Bool)>((nil, false))

        func set(_ wait: PendingWait) {
            if state.withLock({ state in
                state.wait = wait
                return state.isCancelled
            }) {
                wait.cancel()
            }
        }

        func cancel() {
            state.withLock { state in
                state.isCancelled = true
                return state.wait
            }?.cancel()
        }
    }

    /// Tries, and answers; where something has to come first, holds the request and tries again when it has.
    private func answer<Request: FuseRequest & ~Copyable, Value: Sendable>(
        _ request: consuming Request, for operation: WaitLedger.Operation, _ failures: Failures = [:], tries: Int = 0,
        since: Int64? = nil, attempt: @escaping @Sendable (Failures) -> Attempt<Value>,
        refuse: @escaping @Sendable (consuming Request, FileSystemError) -> Void,
        reply: @escaping @Sendable (consuming Request, Value) -> Void
    ) {
        switch attempt(failures) {
        case .done(let value): reply(request, value)
        case .failed(let error): refuse(request, error)
        case .needs where tries == Self.triesLimit:
            logger.error("what an operation waited for came \(tries) times and was gone again")
            request.fail(.ioError)
        case .needs(let needs):
            let slot = WaitSlot()
            let wait = waits.begin(operation, needs, caller: request.handle.caller, since: since)
            let held = Held(request) { [waits] in
                waits.end(wait)
                slot.cancel()
            }
            slot.set(
                tree.whenMet(needs, failures) { [waits] failures in
                    waits.end(wait)
                    guard let request = held.take() else { return }
                    self.answer(
                        request, for: operation, failures, tries: tries + 1, since: wait.since, attempt: attempt,
                        refuse: refuse, reply: reply)
                })
        }
    }

    private func answer<Request: FuseRequest & ~Copyable, Value: Sendable>(
        _ request: consuming Request, for operation: WaitLedger.Operation,
        attempt: @escaping @Sendable (Failures) -> Attempt<Value>,
        reply: @escaping @Sendable (consuming Request, Value) -> Void
    ) {
        answer(request, for: operation, attempt: attempt, refuse: { $0.fail($1.errno) }, reply: reply)
    }

    private func shown(_ attributes: Attributes) -> FuseAttributes {
        let kind: FuseAttributes.Kind =
            switch attributes.kind {
            case .file: .file
            case .directory: .directory
            case .symbolicLink: .symbolicLink
            }
        return FuseAttributes(
            inode: attributes.inode.rawValue, kind: kind, mode: attributes.mode, size: attributes.size,
            modified: attributes.modified, owner: owner.user, group: owner.group,
            timeout: Self.timeout(attributes.validity))
    }

    private static func timeout(_ validity: Validity) -> Double {
        validity == .final ? finalTimeout : provisionalTimeout
    }

    // MARK: Names

    package func lookup(_ request: consuming LookupRequest, parent: UInt64, name: [UInt8]) {
        guard let name = EntryName(name) else {
            request.fail(name.count > EntryName.lengthLimit ? .fileNameTooLong : .noSuchFileOrDirectory)
            return
        }
        let parent = InodeNumber(rawValue: parent)
        answer(request, for: .lookup) { [tree] in
            tree.lookup(parent, name, $0)
        } refuse: { request, error in
            // Only what will never be there may be remembered as absent.
            if error == .notFound(.final) {
                request.replyAbsent(timeout: Self.finalTimeout)
            } else {
                request.fail(error.errno)
            }
        } reply: { [self] request, attributes in
            request.reply(shown(attributes))
        }
    }

    package func attributes(_ request: consuming AttributesRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        answer(request, for: .stat) { [tree] in
            tree.attributes(inode, $0)
        } reply: { [self] request, attributes in
            request.reply(shown(attributes))
        }
    }

    package func readLink(_ request: consuming LinkRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        answer(request, for: .stat) { [tree] _ in
            tree.target(inode)
        } reply: {
            $0.reply($1)
        }
    }

    package func attribute(_ request: consuming DataRequest, inode: UInt64, name: String, capacity: Int) {
        do {
            var value = try tree.attribute(InodeNumber(rawValue: inode), name)
            if name == "user.kitfs.io", tree.hasOwnFile(InodeNumber(rawValue: inode)), backings.isPassedThrough(inode) {
                value = Array("passthrough".utf8)
            }
            request.reply(value, capacity: capacity)
        } catch {
            request.fail(error.errno)
        }
    }

    package func attributeNames(_ request: consuming DataRequest, inode: UInt64, capacity: Int) {
        let names = tree.attributeNames(InodeNumber(rawValue: inode))
        request.reply(names.flatMap { Array($0.utf8) + [0] }, capacity: capacity)
    }

    package func statistics(_ request: consuming StatisticsRequest) {
        request.reply(size: tree.size, files: 0)
    }

    // MARK: Files

    package func open(_ request: consuming OpenRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        answer(request, for: .open) { [tree] in
            tree.open(inode, $0)
        } reply: { [self] request, opened in
            let isTaken =
                if let backing = backings.open(inode.rawValue, opened.ownDescriptor) {
                    request.reply(handle: opened.handle, backing: backing)
                } else {
                    replyReadable(request, opened, inode)
                }
            if !isTaken { release(handle: opened.handle, inode: inode.rawValue) }
        }
    }

    /// Of a file that is read through us. Returns false if whoever asked is gone.
    private func replyReadable(
        _ request: consuming OpenRequest, _ opened: KitFileSystem.Opened, _ inode: InodeNumber
    ) -> Bool {
        if opened.keepsCache, let size = opened.verifiedSize {
            smallFiles.store(inode.rawValue, size: size) { buffer in
                if case .done(buffer.count) = tree.read(opened.handle, at: 0, into: buffer) { true } else { false }
            }
        }
        return request.reply(handle: opened.handle, keepsCache: opened.keepsCache)
    }

    /// First the kernel lets go of the file, then we.
    package func release(handle: UInt64, inode: UInt64) {
        backings.release(inode)
        tree.close(handle)
    }

    // MARK: Directories

    package func openDirectory(_ request: consuming OpenRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        answer(request, for: .list) { [tree] in
            tree.openDirectory(inode, $0)
        } reply: { [tree] request, opened in
            if !request.reply(handle: opened.handle, keepsCache: opened.validity == .final) {
                tree.closeDirectory(opened.handle)
            }
        }
    }

    package func readDirectory(_ request: consuming DirectoryRequest, handle: UInt64, offset: UInt64) {
        guard let listing = tree.directory(handle) else {
            request.fail(.badFileDescriptor)
            return
        }
        let dots: [(name: [UInt8], inode: InodeNumber)] = [([46], listing.inode), ([46, 46], listing.parent)]
        var position = offset
        while true {
            let fits: Bool
            if position < 2 {
                let dot = dots[Int(position)]
                fits = request.add(
                    name: dot.name, inode: dot.inode.rawValue, kind: .directory, attributes: nil, next: position + 1)
            } else {
                guard let place = Int(exactly: position - 2), let item = tree.item(listing, at: place) else { break }
                let attributes = item.attributes.map(shown)
                fits = request.add(
                    name: item.name.bytes, inode: attributes?.inode ?? UInt64(UInt32.max), kind: attributes?.kind,
                    attributes: attributes, next: position + 1)
            }
            guard fits else { break }
            position += 1
        }
        request.reply()
    }

    package func releaseDirectory(handle: UInt64) { tree.closeDirectory(handle) }
}
