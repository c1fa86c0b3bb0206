// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import KitFileSystem
internal import KitMount
internal import LayerCache
private import LayerStore
private import ModelKit
internal import MountProcess
private import MountRecords
private import OCI
private import Threading

/// Shows on a terminal what the command of `kitfs run` waits for, in a line below the cursor. The mount's process shows
/// it, since the line must be erased before the command gets its answer and writes again.
final class WaitNotice: MountObserver {
    /// The terminal, or where plain lines go. It is opened again as non-blocking: a stopped terminal (Ctrl-S) must not
    /// stop the mount, and the command's own description must stay as it is.
    let descriptor: Int32
    private let isFancy: Bool
    /// The command's process group.
    private let group = getpgrp()

    private struct State {
        var isShown = false
        var isStopped = false
        /// By the layer's ordinal in the kit: when somebody was first seen to wait for it, and what was there then.
        var waits: [Int: (since: ContinuousClock.Instant, cached: UInt64)] = [:]
        var lastLine: ContinuousClock.Instant?
    }
    // The lock is held during the write: an erased line must be gone from the terminal.
    private let state = Monitor(State())

    private static let interval = Duration.milliseconds(250)
    /// Shorter waits are not reported.
    private static let patience: Duration = .seconds(1)
    private static let lineInterval: Duration = .seconds(5)

    /// nil where nothing is to be shown.
    init?(_ style: PullProgress.Style?) {
        let style = style ?? (isatty(STDERR_FILENO) == 1 ? .fancy : .none)
        guard style != .none else { return nil }
        isFancy = style == .fancy
        descriptor = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        // A terminal may stop processes that write from the background.
        signal(SIGTTOU, SIG_IGN)
    }

    func start(_ tree: KitFileSystem, _ waits: WaitLedger) {
        waits.observeEnds { [self] in state.update { erase(&$0) } }
        BackgroundThread.start { [self] in
            while state.wait(atMost: Self.interval, { $0.isStopped ? () : nil }) == nil {
                // The ledger is read under the lock, so that a wait that ends meanwhile erases its line afterwards.
                state.update { show(&$0, tree, waits) }
            }
        }
    }

    func stop() {
        state.update { state in
            erase(&state)
            state.isStopped = true
        }
    }

    private func show(_ state: inout State, _ tree: KitFileSystem, _ ledger: WaitLedger) {
        guard !state.isStopped else { return }
        let layers = tree.mountedLayers
        let awaited = Set(ledger.byLayer().keys.filter(layers.indices.contains))
        let cached = { (ordinal: Int) in layers[ordinal].layer.activity?.cached ?? 0 }
        state.waits = state.waits.filter { awaited.contains($0.key) }
        for ordinal in awaited where state.waits[ordinal] == nil { state.waits[ordinal] = (.now, cached(ordinal)) }
        let long = state.waits.filter { .now - $0.value.since >= Self.patience }
        guard let (ordinal, wait) = long.min(by: { $0.value.since < $1.value.since }) else { return erase(&state) }
        let (declared, layer, _) = layers[ordinal]
        var text = "kitfs: waiting for \(declared.kind.rawValue) \(TableText.clean(declared.path.description)), "
        text += Self.progress(cached(ordinal), of: layer.descriptor.size, since: wait.since, first: wait.cached)
        if long.count > 1 { text += "; and for \(long.count - 1) more" }
        tell(text, &state)
    }

    private static func progress(
        _ cached: UInt64, of size: UInt64, since: ContinuousClock.Instant, first: UInt64
    ) -> String {
        let seconds = Double((ContinuousClock.now - since) / .milliseconds(1)) / 1000
        let rate = Double(cached - min(first, cached)) / seconds
        var text = "\(Int(seconds)) s: \(ByteCount.percent(cached, of: size))% of \(ByteCount.text(size))"
        if rate > 1, cached < size {
            let left = Int(min(Double(size - cached) / rate, 1e9))
            text += ", \(ByteCount.text(UInt64(rate)))/s, \(left) s left"
        }
        return text
    }

    private func tell(_ text: String, _ state: inout State) {
        guard isFancy else {
            guard state.lastLine.map({ .now - $0 >= Self.lineInterval }) ?? true else { return }
            state.lastLine = .now
            return write(text + "\n")
        }
        // The terminal belongs to another job while this one is in the background.
        guard tcgetpgrp(descriptor) == group else { return }
        // Down and up again: on the last line of the screen this scrolls by one line, once.
        let room = state.isShown ? "" : "\u{1b}D\u{1b}M"
        let line = TableText.cut(text, to: TerminalBlock.size(descriptor).columns - 1)
        write("\(room)\u{1b}7\r\n\(line)\u{1b}[K\u{1b}8")
        state.isShown = true
    }

    /// Erases everything below the cursor.
    private func erase(_ state: inout State) {
        if state.isShown { write("\u{1b}[J") }
        state.isShown = false
    }

    private func write(_ text: String) { Terminal.write(descriptor, Array(text.utf8)) }
}
