// SPDX-License-Identifier: Apache-2.0
package import LayerCache
internal import LayerStore
package import ModelKit
package import OCI
package import Registry

/// How a kit's registry is reached.
package struct KitAccess: Sendable {
    /// `warn` in them hears of each risk once.
    package let settings: SourceSettings
    /// Requests at a time for what is fetched as a whole.
    package let concurrency: Int

    package init(settings: SourceSettings, concurrency: Int) {
        self.settings = settings
        self.concurrency = concurrency
    }

    /// Whether what is fetched comes over TLS that is verified.
    var isSafe: Bool { settings.verifyTLS && !settings.plainHTTP }

    /// Fetches manifests and configs: the kit's own and its parents'. Throws `SourceError` or `ModelKitError`.
    package func family(
        _ reference: Reference, cache: CacheDirectory, shared: [CacheDirectory], filters: [KitFilter] = []
    ) throws -> KitFamily {
        try KitFamily.fetch(reference, filters: filters) { [settings] reference in
            CachedArtifactSource(
                try settings.source(for: reference), cache: cache, shared: shared, isOffline: settings.isOffline)
        }
    }

    /// A warning where filters choose nothing, which is most likely a mistake in them; else nil.
    package static func warning(of family: KitFamily, filters: [KitFilter]) -> String? {
        guard !filters.isEmpty, family.members.allSatisfy({ $0.layers.isEmpty }), !family.showsKitfile else {
            return nil
        }
        let names = family.kit.layers.map { "\($0.kind.rawValue) \($0.name ?? $0.spelledPath ?? ".")" }
        return "the filter chooses nothing of this kit, which has \(names.prefix(20).joined(separator: ", "))"
    }
}
