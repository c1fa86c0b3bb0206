// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// Writes each target's own seeds to `DIR/TARGET/made-N`, and prints the targets' names.
enum SeedWriter {
    static func write(to directory: String) throws {
        for target in FuzzTarget.all {
            mkdir("\(directory)/\(target.name)", 0o755)
            for (number, seed) in try target.seeds().enumerated() {
                try writeFile("\(directory)/\(target.name)/made-\(number)", seed)
            }
            print(target.name)
        }
    }
}
