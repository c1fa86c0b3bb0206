// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Says on stderr what a command of `kitfs run` waits for: on a terminal in a line below the command's own, which is
/// taken back again.
final class WaitNotice {
    private let style: PullProgress.Style
    /// By the layer's place in the kit: when somebody was first seen to wait for it, and what was there then.
    private var waits: [Int: (since: ContinuousClock.Instant, cached: UInt64)] = [:]
    private var isShown = false
    private var lastLine: ContinuousClock.Instant?

    /// What comes sooner needs no word.
    private static let patience: Duration = .seconds(1)
    private static let lineInterval: Duration = .seconds(5)

    init(_ style: PullProgress.Style?) { self.style = style ?? (isatty(STDERR_FILENO) == 1 ? .fancy : .none) }

    /// Milliseconds between two looks; -1 for none.
    var interval: Int32 { style == .none ? -1 : 500 }

    /// Looks at what the server tells of its layers.
    func show(_ server: pid_t) {
        guard style != .none, let found = FoundRecord.all().first(where: { $0.record.pid == server }) else { return }
        let awaited = found.activity.filter { $0.value.waiters > 0 && found.record.layers.indices.contains($0.key) }
        waits = waits.filter { awaited[$0.key] != nil }
        for (place, activity) in awaited where waits[place] == nil { waits[place] = (.now, activity.cached) }
        let longest = waits.filter { .now - $0.value.since >= Self.patience }.min { $0.value.since < $1.value.since }
        guard let (place, wait) = longest, let activity = awaited[place] else { return erase() }
        var text = Self.text(found.record.layers[place], activity, since: wait.since, first: wait.cached)
        if waits.count > 1 { text += "; and for \(waits.count - 1) more" }
        tell(text)
    }

    private static func text(
        _ layer: MountRecord.Layer, _ activity: MountRecord.Activity, since: ContinuousClock.Instant, first: UInt64
    ) -> String {
        let seconds = Double((ContinuousClock.now - since) / .milliseconds(1)) / 1000
        let rate = Double(activity.cached - min(first, activity.cached)) / seconds
        var text = "kitfs: waiting \(Int(seconds)) s for \(layer.kind) \(layer.path): "
        text += "\(ByteCount.text(activity.cached)) of \(ByteCount.text(layer.size))"
        text += ", \(ByteCount.percent(activity.cached, of: layer.size))%"
        if rate > 1, activity.cached < layer.size {
            let left = Int(min(Double(layer.size - activity.cached) / rate, 1e9))
            text += ", \(ByteCount.text(UInt64(rate)))/s, \(left) s left"
        }
        return text
    }

    private func tell(_ text: String) {
        switch style {
        case .none: return
        case .plain:
            guard lastLine.map({ .now - $0 >= Self.lineInterval }) ?? true else { return }
            lastLine = .now
            Terminal.error(text, isBare: true)
        case .fancy:
            // Of a job in the background, the terminal is another's.
            guard tcgetpgrp(STDERR_FILENO) == getpgrp() else { return }
            Terminal.showBelow(text, isFirst: !isShown)
            isShown = true
        }
    }

    /// Takes the line back.
    func erase() {
        if isShown { Terminal.eraseBelow() }
        isShown = false
    }
}
