// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A parser under fuzzing: how it runs on one input, and its seeds beside the fixtures.
///
/// `run` must return for every input. It catches the errors that the parser may throw. Any other failure (a trap, a
/// broken promise, another error, too much time or memory) ends the process, and libFuzzer keeps the input.
struct FuzzTarget: Sendable {
    let name: String
    var seeds: @Sendable () throws -> [[UInt8]] = { [] }
    let run: @Sendable ([UInt8]) throws -> Void

    /// To add a target, add it here and give it its seeds in `fuzz.sh`.
    static let all: [FuzzTarget] = [
        tar, tarList, head, gzip, zstd, manifest, kit, artifact, annotations, kitfile, index, state, reference, names,
        http, token, tags, registries, authFile,
    ]

    /// The target that `KITFS_FUZZ_TARGET` names.
    static let chosen: FuzzTarget = {
        let name = getenv("KITFS_FUZZ_TARGET").map { String(cString: $0) }
        guard let target = all.first(where: { $0.name == name }) else {
            fatalError("KITFS_FUZZ_TARGET must be one of \(all.map(\.name).joined(separator: " "))")
        }
        return target
    }()
}

/// A property that no input may break.
func require(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line, file: String = #fileID) {
    if !condition { fatalError("\(file):\(line): \(what())") }
}

@_cdecl("LLVMFuzzerInitialize")
public func initialise(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
    guard let directory = getenv("KITFS_FUZZ_SEEDS") else { return 0 }
    do {
        try SeedWriter.write(to: String(cString: directory))
    } catch {
        fatalError("no seeds: \(error)")
    }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    // SAFETY: libFuzzer's bytes live as long as this call; they are copied at once.
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    do {
        try FuzzTarget.chosen.run(bytes)
    } catch {
        fatalError("an error that should not come out: \(error)")
    }
    return 0
}
