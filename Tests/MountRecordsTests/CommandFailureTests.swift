// SPDX-License-Identifier: Apache-2.0
import LayerCache
import LayerStore
import ModelKit
import OCI
import Testing

@testable import MountRecords

/// What each kind of failure ends a command with.
@Suite struct CommandFailureTests {
    private func code(_ error: any Error) -> Int32 { CommandFailure(error, "kit").code.rawValue }

    @Test func sources() {
        #expect(code(SourceError.notFound("x")) == 3)
        #expect(code(SourceError.unauthorized("x")) == 4)
        #expect(code(SourceError.unreachable("x")) == 5)
        #expect(code(SourceError.unusable("x")) == 6)
        #expect(code(SourceError.misconfigured("x")) == 1)
        #expect(code(StoreError.source(.unreachable("x"))) == 5)
        #expect(code(StoreError.noSpace("x")) == 1)
        #expect(code(StoreError.cache("x")) == 1)
    }

    /// The subject stands before what has none, and a failure that is one already stays as it is.
    @Test func messages() throws {
        #expect(CommandFailure(StoreError.noSpace("full"), "kit").message == "kit: full")
        let failure = CommandFailure(CommandFailure(.mountPoint, "busy"), "kit")
        #expect(failure.code == .mountPoint && failure.message == "busy")
        let filter = try #require(throws: KitFilter.ParseError.self) { try KitFilter(parsing: "odd") }
        #expect(CommandFailure(filter, "kit").message == filter.description)
        #expect(code(filter) == 2)
    }
}
