// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import MountRecords
@testable import kitfs

/// What `status` prints for people.
@Suite struct StatusTextTests {
    private static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

    private func layer(
        state: String = "cached", cached: UInt64 = 100, rate: UInt64 = 0, left: Int? = nil, error: String? = nil,
        errorTime: Int64? = nil, waits: [StatusReport.Wait] = []
    ) -> StatusReport.Layer {
        StatusReport.Layer(
            kind: "model", path: "weights", name: nil, digest: Self.digest, size: 100, cached: cached, state: state,
            received: 0, rate: rate, secondsLeft: left, error: error, errorTime: errorTime,
            waiters: waits.reduce(0) { $0 + $1.count }, waits: waits)
    }

    private func report(
        alive: Bool = true, stopped: Bool = false, isPrivate: Bool = false, _ layers: [StatusReport.Layer]
    ) -> StatusReport {
        StatusReport(
            reference: "host/model:v1", digest: Self.digest, directory: "/mnt", isPrivate: isPrivate, pid: 42,
            alive: alive, stopped: stopped, started: 0, version: "1", verify: "before-read", cache: "/c", log: "/l",
            io: MountActivity.IO(mode: "read", reason: "the mount is not root's"), layers: layers)
    }

    @Test func aMountAndItsLayers() {
        let lines = StatusText(mounts: [report([layer()])]).lines
        #expect(lines[0] == "/mnt  host/model:v1")
        #expect(lines[1] == "  digest \(Self.digest)")
        #expect(
            lines[2] == "  pid 42, verify before-read, I/O read (the mount is not root's), cache /c, log /l")
        #expect(lines[3].split(separator: " ") == ["KIND", "PATH", "LAYER", "SIZE", "CACHED", "STATE"])
        #expect(lines[4].split(separator: " ").suffix(3) == ["100B", "100%", "cached"])
        #expect(lines.count == 5)
    }

    @Test func whoWaitsIsNamed() {
        let now = StatusText(mounts: []).now
        let waits = [
            StatusReport.Wait(
                operation: "open", count: 2, since: now - 12,
                processes: [.init(pid: 1, command: "cat"), .init(pid: 2, command: nil)]),
            StatusReport.Wait(operation: "read", count: 1, since: now - 3, processes: [.init(pid: 1, command: "cat")]),
        ]
        let fetching = layer(state: "fetching", cached: 25, rate: 2048, left: 30, waits: waits)
        let line = StatusText(mounts: [report([fetching])]).lines.last
        let text = "fetching, 2KiB/s, 30 s left, 3 waiting for 12 s (2 open, 1 read: cat 1, ? 2, …)"
        #expect(line?.hasSuffix("25%     \(text)") ?? false, "\(line ?? "")")
    }

    @Test func errorsAreToldWithTheirAge() {
        let now = StatusText(mounts: []).now
        let failed = layer(state: "failed", error: "gone\u{1b}", errorTime: now - 7200)
        #expect(StatusText(mounts: [report([failed])]).lines.last?.hasSuffix("failed, 2 h ago: gone?") ?? false)
        let earlier = layer(state: "cached", error: "gone", errorTime: now)
        #expect(StatusText(mounts: [report([earlier])]).lines.last?.hasSuffix("cached; last error, now: gone") ?? false)
    }

    @Test func mountsThatDoNotAnswer() {
        let dead = StatusText(mounts: [report(alive: false, [])]).lines
        #expect(dead[1] == "  its process is dead: `kitfs unmount /mnt`")
        #expect(!dead.joined().contains("pid"))
        #expect(StatusText(mounts: [report(stopped: true, [])]).lines[1].hasSuffix("`kill -CONT 42`"))
        let isPrivate = StatusText(mounts: [report(isPrivate: true, [])]).lines[0]
        #expect(isPrivate == "/mnt of a command's own  host/model:v1")
    }

    @Test func aBarForEachLayer() {
        let lines = StatusText(mounts: [report([layer(state: "fetching", cached: 50)])]).liveLines(columns: 50)
        #expect(lines == ["/mnt  host/model:v1", "  model…eights  [====>     ]  50% of 100B  fetching"])
    }
}
