// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// An artifact with several sources: mirrors, then its own registry. After one that lacks, refuses, stalls or corrupts
/// content the next is used, from the byte reached on.
final class MirroredSource: ArtifactSource {
    let reference: Reference
    private let sources: [any ArtifactSource]
    private let state = Mutex(State())

    private struct State: Sendable {
        /// Sources that gave bytes of a blob.
        var served: [Digest: Set<Int>] = [:]
        /// Sources whose bytes of a blob were wrong.
        var distrusted: [Digest: Set<Int>] = [:]
        /// Sources that could not be reached come last until then, since each takes a part of the reader's timeout.
        var resting: [Int: ContinuousClock.Instant] = [:]
    }

    private static let rest = Duration.seconds(30)

    /// `sources` in the order of use, at least one; the last is the artifact's own registry.
    init(_ reference: Reference, sources: [any ArtifactSource]) {
        precondition(!sources.isEmpty)
        self.reference = reference
        self.sources = sources
    }

    var trouble: String? { sources.lazy.compactMap(\.trouble).first }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        // The error of the registry itself is thrown, not that of a mirror.
        var failure = SourceError.unreachable("\(reference): no source was asked")
        for index in inOrder(sources.indices) {
            do { return try sources[index].resolve(digest) } catch {
                note(error, of: index)
                if index == sources.count - 1 { failure = error }
            }
        }
        throw failure
    }

    private func inOrder(_ candidates: some Sequence<Int>) -> [Int] {
        let resting = state.withLock { $0.resting.filter { $0.value > .now } }
        return candidates.filter { resting[$0] == nil } + candidates.filter { resting[$0] != nil }
    }

    private func note(_ error: any Error, of index: Int) {
        guard case SourceError.unreachable = error else { return }
        state.withLock { $0.resting[index] = .now + Self.rest }
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        var reached = range.start
        let usable = usable(for: blob)
        var failure: any Error = SourceError.unreachable("\(reference): no source was asked")
        var isOwn = false
        for index in usable {
            do {
                try sources[index].fetch(blob, range: range.suffix(from: reached), cancellation: cancellation) {
                    piece in
                    if reached == range.start || !state.withLock({ $0.served[blob.digest]?.contains(index) ?? false }) {
                        noteServed(blob, by: index)
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
                note(error, of: index)
                // The error of the registry itself is preferred.
                if !isOwn { failure = error }
                isOwn = isOwn || index == sources.count - 1
            }
        }
        throw failure
    }

    private func usable(for blob: Descriptor) -> [Int] {
        let distrusted = state.withLock { $0.distrusted[blob.digest] ?? [] }
        return inOrder(sources.indices.filter { !distrusted.contains($0) })
    }

    private func noteServed(_ blob: Descriptor, by index: Int) {
        state.withLock { _ = $0.served[blob.digest, default: []].insert(index) }
    }

    /// Only the first usable source is asked. `fetch` asks the others for what it does not give.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        guard let index = usable(for: blob).first else { return [[UInt8]?](repeating: nil, count: ranges.count) }
        let parts = sources[index].parts(of: blob, ranges, cancellation: cancellation)
        if parts.contains(where: { $0 != nil }) { noteServed(blob, by: index) }
        return parts
    }

    /// Of several sources that served parts of a blob, the last is trusted longest: it is the artifact's own registry.
    /// Once none is left, the next fetch starts with all of them again: one may have been repaired.
    func distrust(_ blob: Descriptor) -> Bool {
        state.withLock { state in
            var blamed = state.served.removeValue(forKey: blob.digest) ?? []
            if blamed.count > 1, let last = blamed.max() { blamed.remove(last) }
            let distrusted = (state.distrusted[blob.digest] ?? []).union(blamed)
            let isHopeful = !blamed.isEmpty && distrusted.count < sources.count
            state.distrusted[blob.digest] = distrusted.count < sources.count ? distrusted : nil
            return isHopeful
        }
    }
}
