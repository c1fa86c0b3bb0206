// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// The bench still works. `make bench` does the measuring.
@Suite struct BenchmarkTests {
    private let bench: CommandFixture
    private let program: String

    init() throws {
        bench = try CommandFixture()
        program =
            CommandFixture.executable.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Benchmarks"
    }

    @Test func rowsAreMeasuredAndDrawn() throws {
        let results = bench.directory.path + "/results.json"
        let rows = ["start", "one-of-64", "list-100"]
        let table = try Command.check(
            program,
            ["run", "--scale", "tiny", "--rounds", "1", "--kitfs", CommandFixture.executable, "--output", results]
                + rows,
            timeout: 120
        ).output
        #expect(!table.contains("not measured"), "\(table)")
        let json = String(decoding: try readFile(results), as: UTF8.self)
        for row in rows { #expect(json.contains("\"row\" : \"\(row)\"")) }
        let picture = bench.directory.path + "/results.svg"
        try Command.check(program, ["chart", results, picture])
        // There is one bar, since only `start` has a target that does not depend on the size of the input.
        #expect(String(decoding: try readFile(picture), as: UTF8.self).contains("<rect class="))
    }

    @Test func aMissingPeerIsNamed() throws {
        let output = try Command.check(
            program,
            [
                "run", "--scale", "tiny", "--rounds", "1", "--kitfs", CommandFixture.executable, "--peers", "/nowhere",
                "first-ls",
            ], timeout: 120
        ).output
        #expect(output.contains("not measured: ratarmount is not installed"))
    }

    @Test func anUnknownRowIsRefused() throws {
        let result = try Command.run(program, ["run", "no-such-row"])
        #expect(result.exitCode != 0 && result.errorOutput.contains("no row no-such-row"))
    }
}
