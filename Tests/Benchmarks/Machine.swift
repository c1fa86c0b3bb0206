// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// The machine that was measured, and the date.
struct Machine: Codable {
    /// Such as 2026-01-31.
    let date: String
    let processor: String
    let cores: Int
    /// In bytes.
    let memory: Int
    let kernel: String
    /// Load averages of the last 1, 5 and 15 minutes at the start, which show the machine's other work.
    let load: [Double]

    init() {
        var now = time(nil)
        var fields = tm()
        gmtime_r(&now, &fields)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
        date = "\(fields.tm_year + 1900)-\(two(fields.tm_mon + 1))-\(two(fields.tm_mday))"
        let lines = Self.text("/proc/cpuinfo").split(separator: "\n")
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
        processor = String(model?.drop { $0 == " " } ?? "unknown")
        cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        kernel = String(Self.text("/proc/sys/kernel/osrelease").prefix { $0 != "\n" })
        load = Self.load
    }

    static var load: [Double] { text("/proc/loadavg").split(separator: " ").prefix(3).compactMap { Double($0) } }

    var text: String {
        "\(date), \(cores) cores of \(processor), \(memory >> 30) GiB, Linux \(kernel), load \(load.first ?? 0)"
    }

    private static func text(_ file: String) -> String {
        (try? readFile(file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
