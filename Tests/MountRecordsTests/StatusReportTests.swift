// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Testing

@testable import MountRecords

/// What the record of a mount comes to.
@Suite struct StatusReportTests {
    private static let layer = MountRecord.Layer(
        digest: "sha256:" + String(repeating: "ab", count: 32), form: "tar", kind: "model", path: ".", name: nil,
        size: 1000)

    private func report(_ activity: MountActivity.Layer?, isAlive: Bool = true) throws -> StatusReport.Layer {
        let record = MountRecord(
            pid: 1, reference: "r", digest: "d", directory: "/mnt", isPrivate: false, cache: "/nowhere",
            verify: "before-read", started: 0, log: nil, version: "1", layers: [Self.layer])
        let found = FoundRecord(
            record: record, activity: activity.map { [0: $0] } ?? [:], io: nil, isAlive: isAlive, isOwn: false, path: ""
        )
        return try #require(StatusReport(found).layers.first)
    }

    private func activity(
        _ stage: String, cached: UInt64, rate: UInt64 = 100, isAtRest: Bool = false,
        waits: [MountActivity.Wait] = []
    ) -> MountActivity.Layer {
        MountActivity.Layer(
            stage: stage, cached: cached, isAtRest: isAtRest, received: 7, rate: rate, error: nil, errorTime: nil,
            waits: waits)
    }

    @Test func aLayerThatIsFetched() throws {
        let waits = [MountActivity.Wait(operation: "open", count: 2, since: 5, callers: [])]
        let layer = try report(activity("fetching", cached: 400, waits: waits))
        #expect(layer.state == "fetching" && layer.cached == 400 && layer.received == 7)
        #expect(layer.rate == 100 && layer.secondsLeft == 6 && layer.waiters == 2)
    }

    /// All of it is here, and its digest is not known to be right yet.
    @Test func aLayerThatIsVerified() throws {
        let layer = try report(activity("fetching", cached: 1000))
        #expect(layer.state == "verifying" && layer.secondsLeft == 0)
    }

    /// What the numbers of another process say is not trusted to add up.
    @Test func moreThanThereIs() throws {
        #expect(try report(activity("fetching", cached: .max)).secondsLeft == 0)
        #expect(try report(activity("fetching", cached: 0, rate: 0)).secondsLeft == nil)
    }

    @Test func atRestNothingMoves() throws {
        let layer = try report(activity("cached", cached: 1000, isAtRest: true))
        #expect(layer.state == "cached" && layer.rate == 0 && layer.secondsLeft == nil)
    }

    /// The dead do nothing, whatever they said last.
    @Test func theDeadDoNothing() throws {
        let layer = try report(activity("fetching", cached: 400), isAlive: false)
        #expect(layer.state == "unknown" && layer.cached == 0 && layer.waiters == 0)
    }

    /// Written by another version: what is not known is passed over, what is missing is nil.
    @Test func anotherVersionsRecord() throws {
        let text = """
            {"pid":1,"reference":"r","digest":"d","directory":"/m","cache":"/c","verify":"v","started":1,"version":"0",
            "layers":[],"novelty":true}
            """
        let record = try JSONDecoder().decode(MountRecord.self, from: Data(text.utf8))
        #expect(record.isPrivate == nil && record.log == nil && record.directory == "/m")
    }

    @Test func activitiesAreNumbered() throws {
        var activity = MountActivity()
        activity.layers["3"] = self.activity("cached", cached: 1)
        activity.layers["x"] = self.activity("cached", cached: 2)
        let again = try JSONDecoder().decode(MountActivity.self, from: JSONEncoder().encode(activity))
        #expect(again == activity)
        #expect(again.byOrdinal.mapValues(\.cached) == [3: 1])
    }
}
