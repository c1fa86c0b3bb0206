// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import KitFileSystem
internal import ModelKit

/// When bytes are shown.
struct VerifyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "When bytes are shown: before-read, or while-streaming[=FILTER]. May be repeated. [default: before-read]",
            discussion: """
                before-read: an open waits until the whole layer is here and its digest is right. while-streaming: a read \
                returns as soon as its bytes are here; the digest is checked once the layer is whole, and until then wrong \
                bytes are possible. With a filter (see --filter), of the layers that it chooses.
                """,
            valueName: "mode"))
    var verify: [String] = []

    func validate() throws { _ = try policy }

    var policy: VerifyPolicy {
        get throws {
            var filters: [KitFilter] = []
            var streamsAll = false
            for text in verify {
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                switch (parts[0], parts.count) {
                case ("before-read", 1): break
                case ("while-streaming", 1): streamsAll = true
                case ("while-streaming", 2): filters.append(try Self.filter(String(parts[1])))
                default:
                    throw ValidationError("--verify takes before-read, or while-streaming[=FILTER], not “\(text)”.")
                }
            }
            if streamsAll { return .whileStreaming([]) }
            return filters.isEmpty ? .beforeRead : .whileStreaming(filters)
        }
    }

    /// What is wrong with a filter is the user's to mend, as with all options.
    private static func filter(_ text: String) throws -> KitFilter {
        do { return try KitFilter(parsing: text) } catch { throw ValidationError("\(error)") }
    }

    /// As it is shown by `status`.
    var description: String { verify.isEmpty ? "before-read" : verify.joined(separator: ", ") }
}
