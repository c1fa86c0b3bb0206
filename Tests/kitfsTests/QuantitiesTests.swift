// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import kitfs

/// Sizes, ages and masks as people write them.
@Suite struct QuantitiesTests {
    @Test(
        arguments: [
            ("4096", 4096), ("0", 0), ("10GiB", 10 << 30), ("500MB", 500_000_000), ("1.5G", 3 << 29), ("1k", 1024),
            ("2tb", 2_000_000_000_000), ("7b", 7),
        ] as [(String, UInt64)])
    func aSize(_ text: String, _ bytes: UInt64) {
        #expect(ByteSize(argument: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "GiB", "-1", "1 GiB", "1.2.3", "1e3", "10 apples", "999999999999TiB", "nan", "inf", "1_000"])
    func noSize(_ text: String) {
        #expect(ByteSize(argument: text) == nil)
    }

    @Test(arguments: [("7d", 604_800), ("12h", 43_200), ("30m", 1800), ("45s", 45), ("2w", 1_209_600), ("0s", 0)])
    func anAge(_ text: String, _ seconds: Int64) {
        #expect(Age(argument: text)?.seconds == seconds)
    }

    @Test(arguments: ["", "d", "7", "-7d", "7x", "9999999999999999w", "1.5h"])
    func noAge(_ text: String) {
        #expect(Age(argument: text) == nil)
    }

    @Test(arguments: [(0, "0 s"), (99, "99 s"), (100, "2 min"), (7199, "120 min"), (7200, "2 h"), (172_800, "2 d")])
    func anAgeForPeople(_ seconds: Int, _ text: String) {
        #expect(Age.text(seconds: seconds) == text)
    }

    @Test func aMaskIsOctal() {
        #expect(PermissionMask(argument: "022")?.bits == 0o22)
        #expect(PermissionMask(argument: "777")?.bits == 0o777)
        for text in ["", "8", "1000", "+22", "-22", "0x12", "rwx"] { #expect(PermissionMask(argument: text) == nil) }
    }
}
