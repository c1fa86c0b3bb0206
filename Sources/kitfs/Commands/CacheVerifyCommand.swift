// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import LayerCache
internal import LayerIndex
private import LayerStore
private import MountRecords
internal import OCI

struct CacheVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read all that is cached once more, and drop what is wrong.",
        discussion: "What is dropped is fetched anew by the next open. Ends with 1 if anything was wrong.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var cache: CacheOptions

    struct Report: Encodable {
        struct Dropped: Encodable {
            let name: String
            let reason: String
        }

        let layers: Int
        let bytes: UInt64
        let dropped: [Dropped]
    }

    func run() throws {
        let report: Report
        do {
            let showsProgress = isatty(STDERR_FILENO) == 1 && !json
            var last = ContinuousClock.now
            let verified = try cache.look()?.verify { key, done, size in
                guard showsProgress, ContinuousClock.now - last > .milliseconds(200) else { return }
                last = .now
                let line = "\(key.digest.short)  \(ByteCount.percent(done, of: size))% of \(ByteCount.text(size))"
                Terminal.status(line)
            }
            if showsProgress { Terminal.status("") }
            report = Report(
                layers: verified?.layers ?? 0, bytes: verified?.bytes ?? 0,
                dropped: (verified?.dropped ?? []).map { Report.Dropped(name: $0.name, reason: $0.reason) })
        } catch {
            throw CommandFailure(error, "cache")
        }
        if json {
            try Terminal.out(json: report)
        } else {
            for dropped in report.dropped { Terminal.out("dropped \(dropped.name): \(dropped.reason)\n") }
            let layers = report.layers == 1 ? "1 layer" : "\(report.layers) layers"
            Terminal.out("\(layers) of \(ByteCount.text(report.bytes)) read, \(report.dropped.count) dropped\n")
        }
        if !report.dropped.isEmpty { Glibc.exit(CommandFailure.Code.failed.rawValue) }
    }
}
