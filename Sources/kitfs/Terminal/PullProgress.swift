// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import LayerCache
internal import LayerIndex
internal import LayerStore
internal import ModelKit
private import MountRecords
internal import OCI

/// Shows on stderr how far layers have come: a line for each that arrives, and below, on a terminal, a bar for each that
/// is on its way and one for all, in place; elsewhere now and then a line for all.
final class PullProgress {
    enum Style: String, ExpressibleByArgument, CaseIterable {
        case none, plain, fancy

        static var suited: Style { isatty(STDERR_FILENO) == 1 ? .fancy : .plain }
    }

    private let style: Style
    private let layers: [(declared: KitLayer, layer: Layer)]
    private var arrived: Set<Int> = []
    private var meters: [RateMeter]
    private var totalMeter = RateMeter()
    private var lastLine: ContinuousClock.Instant?
    private let block = TerminalBlock.errors

    init(_ style: Style, _ layers: [(declared: KitLayer, layer: Layer)]) {
        self.style = style
        self.layers = layers
        meters = Array(repeating: RateMeter(), count: layers.count)
    }

    /// Milliseconds between two looks.
    var interval: Int { style == .fancy ? 200 : 500 }

    func show() {
        guard style != .none else { return }
        let found = layers.map { $0.layer.status }
        for (ordinal, status) in found.enumerated() {
            meters[ordinal].note(status.cached)
            guard status.stage == .cached, arrived.insert(ordinal).inserted else { continue }
            let (declared, layer) = layers[ordinal]
            let path = TableText.clean(declared.path.description)
            line("\(declared.kind.rawValue) \(path)  \(layer.key.digest.short)  \(size(of: ordinal))  here")
        }
        let done = ByteCount.sum(found.map(\.cached))
        totalMeter.note(done)
        if style == .fancy {
            block.draw(bars(found), last: [bar(of: done)])
        } else if lastLine.map({ .now - $0 > .seconds(5) }) ?? false {
            line(total(done))
        }
        if lastLine == nil { lastLine = .now }
    }

    /// Shows the end: the total, or the failures.
    func end(_ failures: [(Layer, StoreError)]) {
        guard style != .none else { return }
        show()
        block.clear()
        for (layer, error) in failures.dropFirst() { Terminal.error("\(layer.key.digest.short): \(error)") }
        if failures.isEmpty { line(total(size)) }
    }

    /// Bytes of all layers, as their descriptors say.
    private var size: UInt64 { ByteCount.sum(layers.map(\.layer.descriptor.size)) }

    private func size(of ordinal: Int) -> String { ByteCount.text(layers[ordinal].layer.descriptor.size) }

    // MARK: Bars

    private func bars(_ found: [Layer.Status]) -> [String] {
        let layout = layout
        let flying = found.indices.filter { !arrived.contains($0) && found[$0].stage == .fetching }
        let names = flying.map { ordinal in
            let declared = layers[ordinal].declared
            return TableText.middle(TableText.clean("\(declared.kind.rawValue) \(declared.path)"), to: layout.name)
        }
        let width = max(layerCount.count, names.map(TableText.width).max() ?? 0)
        return zip(flying, names).map { ordinal, name in
            let size = layers[ordinal].layer.descriptor.size
            let bar = ProgressBar.text(found[ordinal].cached, of: size, cells: layout.bar)
            let verifying = found[ordinal].cached >= size ? "  verifying" : ""
            let pace = pace(found[ordinal].cached, of: size, meters[ordinal].rate)
            return "\(TableText.padded(name, to: width))  \(bar) of \(ByteCount.text(size))\(pace)\(verifying)"
        }
    }

    private func bar(of done: UInt64) -> String {
        let bar = ProgressBar.text(done, of: size, cells: layout.bar)
        return "\(layerCount)  \(bar) of \(ByteCount.text(size))\(pace(done, of: size, totalMeter.rate))"
    }

    private var layout: (bar: Int, name: Int) {
        ProgressBar.layout(columns: TerminalBlock.size(STDERR_FILENO).columns)
    }

    private var layerCount: String { "\(arrived.count)/\(layers.count) layers" }

    // MARK: Lines

    private func total(_ done: UInt64) -> String {
        var text = "\(layerCount)  \(ByteCount.text(done)) of \(ByteCount.text(size))"
        text += "  \(ByteCount.percent(done, of: size))%"
        return text + pace(done, of: size, totalMeter.rate)
    }

    /// `  12MiB/s  30 s left`, as far as there is something to say.
    private func pace(_ done: UInt64, of size: UInt64, _ rate: UInt64) -> String {
        guard done < size, rate > 0 else { return "" }
        let left = RateMeter.secondsLeft(size - done, at: rate).map { "  \(Age.text(seconds: $0)) left" }
        return "  \(ByteCount.text(rate))/s\(left ?? "")"
    }

    private func line(_ text: String) {
        Terminal.error(text, isBare: true)
        lastLine = .now
    }
}
