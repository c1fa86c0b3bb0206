// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
public import LayerIndex
private import FoundationEssentials
internal import SystemPackage

/// The kits that layers were seen in: `seen/KEY`, a JSON array of sightings. Only `cache list` reads it.
extension CacheDirectory {
    public struct Sighting: Codable, Hashable, Sendable {
        /// The part of the kit that the layer is.
        public let kind: String
        /// The kit's reference.
        public let kit: String

        public init(kind: String, kit: String) {
            self.kind = kind
            self.kit = kit
        }
    }

    /// The most kits that are kept for a layer. The oldest are dropped first.
    private static let sightingLimit = 32

    public func sightings(of key: LayerKey) -> [Sighting] {
        guard let bytes = seen.contents(of: key.description, atMost: 1 << 20) else { return [] }
        // A damaged list is as good as none.
        return (try? JSONDecoder().decode([Sighting].self, from: Data(bytes))) ?? []
    }

    /// Two processes that note at once may lose one of the sightings. They are for people only.
    public func note(_ sighting: Sighting, of key: LayerKey) {
        let known = sightings(of: key)
        guard !known.contains(sighting),
            let data = try? JSONEncoder().encode((known + [sighting]).suffix(Self.sightingLimit))
        else { return }
        // What cannot be noted is missing in `cache list`, and nowhere else.
        try? replaceFile(key.description, in: seen, with: Array(data))
    }
}
