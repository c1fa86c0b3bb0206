// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// The targets of Package.swift that are in Sources, and which of ours each depends on. The file is read as text, since
/// SwiftPM dumps it only where it can build.
struct PackageTargets {
    /// The dependencies of each target, sorted by name.
    private(set) var dependencies: [String: [String]] = [:]
    /// The targets in the order of the file.
    private(set) var order: [String] = []

    init(_ text: String) throws {
        let calls = text.matches(of: #/\.(target|executableTarget|systemLibrary|testTarget|plugin)\(/#)
        let ends = calls.dropFirst().map(\.range.lowerBound) + [text.endIndex]
        for (call, end) in zip(calls, ends) {
            let body = text[call.range.upperBound..<end]
            guard let name = body.firstMatch(of: #/name: "([^"]+)"/#)?.output.1 else {
                throw TestSupportError("a target without a name in Package.swift: \(body.prefix(80))")
            }
            let path = body.firstMatch(of: #/path: "([^"]+)"/#)?.output.1
            if call.output.1 == "testTarget" || path?.hasPrefix("Tests/") == true { continue }
            let list = body.firstMatch(of: #/dependencies: \[([^\]]*)\]/#)?.output.1 ?? ""
            order.append(String(name))
            dependencies[String(name)] = list.matches(of: #/"([^"]+)"/#).map { String($0.output.1) }.sorted()
        }
        let all = Set(order)
        dependencies = dependencies.mapValues { $0.filter(all.contains) }
    }
}
