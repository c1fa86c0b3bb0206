// SPDX-License-Identifier: Apache-2.0
package import OCI
package import Registry

/// What a mount needs of this machine, and of a kit's registry.
package struct MountChecks {
    /// Where the cache is, or will be.
    let cache: String
    let settings: SourceSettings
    /// A kit that is to be mounted; nil to ask no registry.
    let reference: Reference?
    /// The reference as it was given.
    let name: String?

    package init(cache: String, settings: SourceSettings, reference: Reference?, named name: String?) {
        self.cache = cache
        self.settings = settings
        self.reference = reference
        self.name = name
    }

    /// Changes nothing. To be called before any thread is started: some of it forks.
    package var results: [CheckResult] {
        FuseChecks(cache: cache).results + CacheChecks(path: cache).results
            + LimitChecks(timeout: settings.timeout).results
            + [reference.map { RegistryCheck(reference: $0, name: name ?? "\($0)", settings: settings).result }]
            .compactMap { $0 }
    }
}
