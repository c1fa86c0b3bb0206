// SPDX-License-Identifier: Apache-2.0
package import KitFileSystem
package import Logging
package import ModelKit
package import OCI

/// What is mounted, and how: the values that the options of `mount` and `run` come to.
package struct MountConfiguration: Sendable {
    package let reference: Reference
    /// The reference as it was given, for messages.
    package let name: String
    package let access: KitAccess
    package let caches: CacheLocations
    package let log: MountLog
    /// Of kitfs, for logs and records.
    package let version: String

    package var filters: [KitFilter] = []
    /// Parts that are fetched in the background once the kit is mounted, each with its text as it was given.
    package var prefetch: [(text: String, filter: KitFilter)] = []
    package var verify = VerifyPolicy.beforeRead
    /// As `status` and the log show it.
    package var verifyText = "before-read"
    /// Bytes that layers may take on disk; nil for all that the disk has.
    package var cacheLimit: UInt64?
    package var allowOther = false
    package var forbidsExecution = false
    package var passthrough = true
    /// Who owns the files; nil for the user who mounts.
    package var owner: UInt32?
    package var group: UInt32?
    /// Permission bits that are taken away; nil to show files as they were packed.
    package var umask: UInt16?

    package init(
        reference: Reference, name: String, access: KitAccess, caches: CacheLocations, log: MountLog, version: String
    ) {
        self.reference = reference
        self.name = name
        self.access = access
        self.caches = caches
        self.log = log
        self.version = version
    }
}

/// Where a mount's process logs, and what it tells whoever waits at the prompt.
package struct MountLog: Sendable {
    /// Goes to stderr until it is redirected.
    package let logger: Logger
    /// Sends what `logger` is given to a file from now on, by its descriptor.
    package let redirect: @Sendable (_ descriptor: Int32) -> Void
    /// Shows a warning on stderr.
    package let warn: @Sendable (_ text: String) -> Void
    /// The file that was asked for; nil for a file in the runtime directory, or stderr in the foreground.
    package let file: String?

    package init(
        logger: Logger, redirect: @escaping @Sendable (Int32) -> Void, warn: @escaping @Sendable (String) -> Void,
        file: String?
    ) {
        self.logger = logger
        self.redirect = redirect
        self.warn = warn
        self.file = file
    }
}
