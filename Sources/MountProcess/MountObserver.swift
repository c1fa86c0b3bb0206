// SPDX-License-Identifier: Apache-2.0
package import KitFileSystem
package import KitMount

/// Shows on a terminal what a mount is at, from inside its process.
package protocol MountObserver: Sendable {
    /// What it writes to; kept open when the process closes all that it has inherited.
    var descriptor: Int32 { get }
    /// Called once, when the mount is usable.
    func start(_ tree: KitFileSystem, _ waits: WaitLedger)
    /// Called once, when the mount has ended.
    func stop()
}
