// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// An artifact that may be had in several places: one that lacks, refuses, stalls or corrupts what is asked is passed
/// over for the next, at the byte that was reached.
final class MirroredSource: ArtifactSource {
    let reference: Reference
    private let places: [any ArtifactSource]
    private let state = Mutex(State())

    private struct State: Sendable {
        /// Places that gave bytes of a blob.
        var served: [Digest: Set<Int>] = [:]
        /// Places whose bytes of a blob were wrong.
        var distrusted: [Digest: Set<Int>] = [:]
        /// Places that could not be reached are asked last until then: each had its share of the reader's patience.
        var resting: [Int: ContinuousClock.Instant] = [:]
    }

    private static let rest = Duration.seconds(30)

    /// `places` in the order in which they are asked, one at least.
    init(_ reference: Reference, places: [any ArtifactSource]) {
        precondition(!places.isEmpty)
        self.reference = reference
        self.places = places
    }

    var trouble: String? { places.lazy.compactMap(\.trouble).first }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        // What the place itself says counts, not what a mirror says.
        var failure = SourceError.unreachable("\(reference): no place has been asked")
        for place in inOrder(places.indices) {
            do { return try places[place].resolve(digest) } catch {
                note(error, of: place)
                if place == places.count - 1 { failure = error }
            }
        }
        throw failure
    }

    private func inOrder(_ candidates: some Sequence<Int>) -> [Int] {
        let resting = state.withLock { $0.resting.filter { $0.value > .now } }
        return candidates.filter { resting[$0] == nil } + candidates.filter { resting[$0] != nil }
    }

    private func note(_ error: any Error, of place: Int) {
        guard case SourceError.unreachable = error else { return }
        state.withLock { $0.resting[place] = .now + Self.rest }
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        var reached = range.start
        let usable = usable(for: blob)
        var failure: any Error = SourceError.unreachable("\(reference): no place has been asked")
        var isOwn = false
        for place in usable {
            do {
                try places[place].fetch(blob, range: range.suffix(from: reached), cancellation: cancellation) { piece in
                    if reached == range.start || !state.withLock({ $0.served[blob.digest]?.contains(place) ?? false }) {
                        noteServed(blob, by: place)
                    }
                    do { try receive(piece) } catch { throw ConsumerError(error: error) }
                    reached += UInt64(piece.byteCount)
                }
                return
            } catch let error as ConsumerError {
                throw error.error
            } catch SourceError.cancelled {
                throw SourceError.cancelled
            } catch {
                note(error, of: place)
                // What the artifact's own place says counts most.
                if !isOwn { failure = error }
                isOwn = isOwn || place == places.count - 1
            }
        }
        throw failure
    }

    private func usable(for blob: Descriptor) -> [Int] {
        let distrusted = state.withLock { $0.distrusted[blob.digest] ?? [] }
        return inOrder(places.indices.filter { !distrusted.contains($0) })
    }

    private func noteServed(_ blob: Descriptor, by place: Int) {
        state.withLock { _ = $0.served[blob.digest, default: []].insert(place) }
    }

    /// The first place is asked; what it does not give so, `fetch` may have elsewhere.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        guard let place = usable(for: blob).first else { return [[UInt8]?](repeating: nil, count: ranges.count) }
        let parts = places[place].parts(of: blob, ranges, cancellation: cancellation)
        if parts.contains(where: { $0 != nil }) { noteServed(blob, by: place) }
        return parts
    }

    /// Of several places that served parts of a blob, the last is believed longest: it is the artifact's own. Once
    /// there is nobody left to believe, the next fetch starts afresh: a place may have been mended.
    func distrust(_ blob: Descriptor) -> Bool {
        state.withLock { state in
            var blamed = state.served.removeValue(forKey: blob.digest) ?? []
            if blamed.count > 1, let last = blamed.max() { blamed.remove(last) }
            let distrusted = (state.distrusted[blob.digest] ?? []).union(blamed)
            let isHopeful = !blamed.isEmpty && distrusted.count < places.count
            state.distrusted[blob.digest] = distrusted.count < places.count ? distrusted : nil
            return isHopeful
        }
    }
}
