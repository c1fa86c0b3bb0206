// SPDX-License-Identifier: Apache-2.0
internal import FuseSession
private import Glibc
private import MountRecords
private import Synchronization

/// Ends the mount, or the process if nothing is mounted yet.
final class MountShutdown: Sendable {
    private let session = Mutex<FuseSession?>(nil)
    /// The log to remove if the mount is never made.
    private let log = Mutex<String?>(nil)

    func remove(_ log: String) { self.log.withLock { $0 = log } }

    var fuseProtocol: String? { session.withLock { $0?.kernelProtocol } }

    func set(_ session: FuseSession) { self.session.withLock { $0 = session } }

    func end() {
        guard let session = session.withLock({ $0 }) else {
            if let log = log.withLock({ $0 }) { unlink(log) }
            _exit(CommandFailure.Code.failed.rawValue)
        }
        session.end()
    }
}
