// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import LayerCache
internal import LayerIndex
internal import LayerStore
internal import ModelKit
private import MountProcess
private import MountRecords
internal import OCI
private import Threading

struct PullCommand: LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch a kit's layers into the cache.",
        discussion: """
            What is there already is not fetched again; after an interruption, the next pull or mount goes on where this \
            one ended. A mount of the kit then needs no network. With --cache DIR, everything comes to be in DIR, also what \
            /var/cache/kitfs has, so that others can have it with --shared-cache.

              kitfs pull registry.example.com/team/model:v1
              kitfs pull registry.example.com/team/model:v1 --filter model
            """)

    @Argument(help: ArgumentHelp("The kit.", valueName: "ref"), transform: KitArgument.init)
    var kit: KitArgument

    @Option(
        help: ArgumentHelp(
            "How progress is shown: none, plain (lines) or fancy (in place). [default: fancy on a terminal, else plain]",
            valueName: "how"))
    var progress: PullProgress.Style?

    @OptionGroup var parts: FilterOptions
    @OptionGroup var room: RoomOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var log: LogOptions

    func run() throws {
        do {
            let locations = try cache.locations
            let own = try locations.open(.fill)
            // A cache that was named is filled for other machines, which do not have this one's common cache.
            let shared = cache.path == nil ? try locations.openShared(besides: own) : []
            let store = LayerStore(
                cache: own, shared: shared, concurrency: source.concurrency, timeout: source.timeout,
                limit: room.cacheLimit?.bytes, logger: log.logger(LogSink()))
            let filters = try parts.filters
            let family = try source.access.family(kit.reference, cache: own, shared: shared, filters: filters)
            if let warning = KitAccess.warning(of: family, filters: filters) { Terminal.warning(warning) }
            let layers = Self.layers(family, store)
            for (declared, layer) in layers {
                store.cache.note(.init(kind: declared.kind.rawValue, kit: kit.text), of: layer.key)
            }
            let pull = LayerPull(layers)
            let interruption = endOnSignal(store)
            let shown = PullProgress(progress ?? .suited, layers)
            pull.start()
            while !pull.isFinished {
                shown.show()
                pull.wait(milliseconds: shown.interval)
            }
            store.shutDown()
            shown.end(pull.failures)
            if let signal = interruption.update({ $0 }) {
                Terminal.error("interrupted; what was fetched stays, and the next pull goes on from there")
                Glibc.exit(128 + signal)
            }
            if let (_, error) = pull.failures.first { throw CommandFailure(error, kit.text) }
        } catch {
            throw CommandFailure(error, kit.text)
        }
    }

    /// Each layer once, however often the kit and its parents name it.
    private static func layers(_ family: KitFamily, _ store: LayerStore) -> [(declared: KitLayer, layer: Layer)] {
        var seen: Set<LayerKey> = []
        return family.members.flatMap { member in
            member.layers.compactMap { declared in
                let layer = store.layer(
                    declared.descriptor, form: declared.form, claimedSize: declared.file?.size, source: member.source)
                return seen.insert(layer.key).inserted ? (declared, layer) : nil
            }
        }
    }

    /// Ends the fetches on a signal. What they brought stays in the cache.
    private func endOnSignal(_ store: LayerStore) -> Monitor<Int32?> {
        let interruption = Monitor<Int32?>(nil)
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGTSTP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        BackgroundThread.start { [signals] in
            var signals = signals
            var signal: Int32 = 0
            repeat {
                guard sigwait(&signals, &signal) == 0 else { return }
                if signal == SIGTSTP { TerminalBlock.errors.suspend() }
            } while signal == SIGTSTP
            interruption.update { $0 = signal }
            store.shutDown()
        }
        return interruption
    }
}

/// Fetches layers and knows when all have come or failed.
private final class LayerPull: Sendable {
    private struct State {
        var remaining: Int
        var failures: [(Layer, StoreError)] = []
    }

    private let layers: [(declared: KitLayer, layer: Layer)]
    private let state: Monitor<State>

    init(_ layers: [(declared: KitLayer, layer: Layer)]) {
        self.layers = layers
        state = Monitor(State(remaining: layers.count))
    }

    func start() {
        for (_, layer) in layers {
            _ = layer.requireContent { [state] error in
                state.update { state in
                    state.remaining -= 1
                    if let error { state.failures.append((layer, error)) }
                }
            }
        }
    }

    var isFinished: Bool { state.update { $0.remaining == 0 } }
    var failures: [(Layer, StoreError)] { state.update { $0.failures } }

    /// Blocks until all have come or failed, at most for `milliseconds`.
    func wait(milliseconds: Int) {
        _ = state.wait(atMost: .milliseconds(milliseconds)) { $0.remaining == 0 ? () : nil }
    }
}
