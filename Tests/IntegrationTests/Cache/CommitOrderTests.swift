// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The order in which a layer's files are written. Each was synced before it got its final name.
@Suite struct CommitOrderTests {
    private struct Step {
        let moment: Substring
        let kind: Substring
        let path: Substring
        let newPath: Substring?
    }

    private let bench: CommandFixture
    private let steps: [Step]

    /// Records the steps of a fetch.
    init() throws {
        bench = try CommandFixture()
        let log = bench.directory.path + "/steps"
        bench.environment["KITFS_STEP_LOG"] = log
        try bench.kitfs("pull", "oci:\(Fixtures.layout("gzip")):v1")
        try bench.kitfs("pull", "oci:\(Fixtures.layout("plain-small")):v1")
        steps = String(decoding: try readFile(log), as: UTF8.self).split(separator: "\n").map { line in
            let fields = line.split(separator: " ")
            return Step(
                moment: fields[0], kind: fields[1], path: fields[2], newPath: fields.count > 3 ? fields[3] : nil)
        }
    }

    /// The indices of a step among all steps.
    private func places(_ moment: String, _ kinds: Set<Substring>, _ path: Substring) -> [Int] {
        steps.indices.filter {
            steps[$0].moment == moment && kinds.contains(steps[$0].kind) && steps[$0].path == path
        }
    }

    private func expectSynced(_ path: Substring, after change: Int, before end: Int) {
        let begun = places("before", ["sync"], path).filter { $0 > change && $0 < end }
        let done = places("after", ["sync"], path).filter { $0 > change && $0 < end }
        #expect(!begun.isEmpty && !done.isEmpty, "\(path) is not synced after \(change) and before \(end)")
    }

    @Test func layersAreSyncedBeforeTheyAreCommitted() throws {
        let commits = steps.indices.filter {
            steps[$0].moment == "before" && steps[$0].kind == "rename"
                && steps[$0].newPath?.contains("/layers/") ?? false
        }
        #expect(commits.count == 10)
        for commit in commits {
            let layer = steps[commit].path
            let content = Set(steps[..<commit].map(\.path)).filter {
                $0 == "\(layer)/stream" || $0.hasPrefix("\(layer)/members/")
            }
            #expect(content.contains("\(layer)/stream"))
            for file in content {
                let last = places("after", ["write", "truncate"], file).last { $0 < commit } ?? 0
                expectSynced(file, after: last, before: commit)
            }
            let lastSync = places("after", ["sync"], "\(layer)/stream").last ?? 0
            for place in ["\(layer)/state", "\(layer)/members", layer] {
                expectSynced(Substring(place), after: lastSync, before: commit)
            }
            let layers = Substring(bench.cache + "/layers")
            #expect(places("after", ["sync"], layers).contains { $0 > commit })
        }
    }

    /// Manifests, configs, indexes and resolved tags are written under another name, synced, and then renamed.
    @Test func smallFilesAreSyncedBeforeTheyAreFound() throws {
        let renames = steps.indices.filter {
            steps[$0].moment == "before" && steps[$0].kind == "rename"
                && !places("after", ["write"], steps[$0].path).isEmpty
        }
        #expect(renames.count > 20)
        for rename in renames {
            let written = places("after", ["write"], steps[rename].path).last { $0 < rename } ?? 0
            expectSynced(steps[rename].path, after: written, before: rename)
        }
    }
}
