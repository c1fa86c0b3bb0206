// SPDX-License-Identifier: Apache-2.0
package import FuseSession
package import KitFileSystem
private import LayerStore
package import Logging
private import OCI
private import Synchronization
internal import SystemPackage

/// Answers the kernel's requests from a kit's tree: at once where it can, else when what is missing has come.
package final class KitOperations: FuseOperations {
    let tree: KitFileSystem
    let waits: WaitLedger
    private let owner: (user: UInt32, group: UInt32)
    let logger: Logger
    private let onStart: @Sendable () -> Void
    let failureLog: FailureLog
    let backings: BackingFiles
    package let smallFiles = SmallFiles()
    let heldReads = HeldReads(limit: FuseSession.backgroundLimit * 7 / 8)

    /// Seconds for which the kernel caches names and attributes that are final.
    private static let finalTimeout: Double = 86_400
    /// Seconds for which it caches what is not verified yet.
    private static let provisionalTimeout: Double = 1

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
        failureLog = FailureLog(logger)
        self.onStart = onStart
    }

    package func started() { onStart() }

    func shown(_ attributes: Attributes) -> FuseAttributes {
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
        let lookup = KitOperation<LookupRequest, Attributes>(kind: .lookup) { [tree] in
            tree.lookup(parent, name, $0)
        } refuse: { request, error in
            // Only a name that is absent for good may be cached as absent.
            if error == .notFound(.final) {
                request.replyAbsent(timeout: Self.finalTimeout)
            } else {
                request.fail(error.errno)
            }
        } reply: { [self] request, attributes in
            request.reply(shown(attributes))
        }
        answer(request, lookup)
    }

    package func attributes(_ request: consuming AttributesRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        let stat = KitOperation<AttributesRequest, Attributes>(kind: .stat) { [tree] in
            tree.attributes(inode, $0)
        } reply: { [self] request, attributes in
            request.reply(shown(attributes))
        }
        answer(request, stat)
    }

    package func readLink(_ request: consuming LinkRequest, inode: UInt64) {
        let inode = InodeNumber(rawValue: inode)
        let readLink = KitOperation<LinkRequest, [UInt8]>(kind: .stat) { [tree] _ in
            tree.target(inode)
        } reply: { request, target in
            request.reply(target)
        }
        answer(request, readLink)
    }

    package func extendedAttribute(
        _ request: consuming DataRequest, inode: UInt64, named name: String, capacity: Int
    ) {
        do {
            var value = try tree.extendedAttribute(named: name, of: InodeNumber(rawValue: inode))
            if name == "user.kitfs.io", tree.hasOwnFile(InodeNumber(rawValue: inode)), backings.isPassedThrough(inode) {
                value = Array("passthrough".utf8)
            }
            request.reply(value, capacity: capacity)
        } catch {
            request.fail(error.errno)
        }
    }

    package func extendedAttributeNames(_ request: consuming DataRequest, inode: UInt64, capacity: Int) {
        let names = tree.extendedAttributeNames(of: InodeNumber(rawValue: inode))
        request.reply(names.flatMap { Array($0.utf8) + [0] }, capacity: capacity)
    }

    package func statistics(_ request: consuming StatisticsRequest) {
        request.reply(size: tree.size, files: 0)
    }
}
