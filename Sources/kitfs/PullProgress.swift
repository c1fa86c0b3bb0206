// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import LayerStore
internal import ModelKit
internal import OCI

/// Shows on stderr how far layers have come: a line for each that arrives and now and then one for all; on a terminal,
/// the latter in place.
final class PullProgress {
    enum Style: String, ExpressibleByArgument, CaseIterable {
        case none, plain, fancy

        static var suited: Style { isatty(STDERR_FILENO) == 1 ? .fancy : .plain }
    }

    private let style: Style
    private let layers: [(declared: KitLayer, layer: Layer)]
    private var arrived: Set<Int> = []
    private let start = ContinuousClock.now
    private var initial: UInt64?
    private var lastLine: ContinuousClock.Instant?

    init(_ style: Style, _ layers: [(declared: KitLayer, layer: Layer)]) {
        self.style = style
        self.layers = layers
    }

    /// Milliseconds between two looks.
    var interval: Int { style == .fancy ? 200 : 500 }

    func show() {
        guard style != .none else { return }
        let cached = layers.map { $0.layer.status }
        for (place, status) in cached.enumerated() where status.stage == .cached && arrived.insert(place).inserted {
            let (declared, layer) = layers[place]
            line(
                "\(declared.kind.rawValue) \(declared.path)  \(layer.key.digest.short)  \(ByteCount.text(layer.descriptor.size))  here"
            )
        }
        let done = ByteCount.sum(cached.map(\.cached))
        if initial == nil { initial = done }
        if style == .fancy {
            Terminal.status(total(done))
        } else if lastLine.map({ .now - $0 > .seconds(5) }) ?? false {
            line(total(done))
        }
        if lastLine == nil { lastLine = .now }
    }

    /// The last word: all of it, or what failed.
    func end(_ failures: [(Layer, StoreError)]) {
        guard style != .none else { return }
        show()
        if style == .fancy { Terminal.status("") }
        for (layer, error) in failures.dropFirst() { Terminal.error("\(layer.key.digest.short): \(error)") }
        if failures.isEmpty { line(total(size)) }
    }

    /// Bytes of all layers, as their descriptors say.
    private var size: UInt64 { ByteCount.sum(layers.map(\.layer.descriptor.size)) }

    private func total(_ done: UInt64) -> String {
        let size = size
        let seconds = max(0.001, Double((ContinuousClock.now - start) / .milliseconds(1)) / 1000)
        let rate = Double(done - min(done, initial ?? 0)) / seconds
        let left = rate > 1 ? Int(min(Double(size - min(size, done)) / rate, 1e9)) : nil
        var text = "\(arrived.count)/\(layers.count) layers  \(ByteCount.text(done)) of \(ByteCount.text(size))"
        text += "  \(ByteCount.percent(done, of: size))%"
        if done < size, rate > 1 { text += "  \(ByteCount.text(UInt64(rate)))/s" }
        if done < size, let left { text += "  \(left) s left" }
        return text
    }

    private func line(_ text: String) {
        if style == .fancy { Terminal.status("") }
        Terminal.error(text, isBare: true)
        lastLine = .now
    }
}
