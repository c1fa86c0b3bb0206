// SPDX-License-Identifier: Apache-2.0

/// The record of a live mount, for `status` and `unmount` only. It is a JSON file in the runtime directory, locked
/// while the mount lives; a second file has its activity.
package struct MountRecord: Codable {
    package let pid: Int32
    package let reference: String
    package let digest: String
    package let directory: String
    /// Whether `directory` is mounted in a namespace of a command's own, by `kitfs run`. nil of earlier versions.
    package let isPrivate: Bool?
    package let cache: String
    package let verify: String
    /// Seconds since 1970.
    package let started: Int64
    /// nil in the foreground.
    package let log: String?
    package let version: String
    package let layers: [Layer]

    package init(
        pid: Int32, reference: String, digest: String, directory: String, isPrivate: Bool, cache: String,
        verify: String, started: Int64, log: String?, version: String, layers: [Layer]
    ) {
        self.pid = pid
        self.reference = reference
        self.digest = digest
        self.directory = directory
        self.isPrivate = isPrivate
        self.cache = cache
        self.verify = verify
        self.started = started
        self.log = log
        self.version = version
        self.layers = layers
    }

    package struct Layer: Codable {
        package let digest: String
        package let form: String
        package let kind: String
        package let path: String
        package let name: String?
        /// Bytes in the registry.
        package let size: UInt64

        package init(digest: String, form: String, kind: String, path: String, name: String?, size: UInt64) {
            self.digest = digest
            self.form = form
            self.kind = kind
            self.path = path
            self.name = name
            self.size = size
        }
    }
}
