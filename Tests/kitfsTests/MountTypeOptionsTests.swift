// SPDX-License-Identifier: Apache-2.0
import MountRecords
import Testing

@testable import kitfs

/// `-o` and mount(8).
@Suite struct MountTypeOptionsTests {
    @Test(arguments: [
        ("a,b=c", ["a", "b=c"]), (#"a="x,y",b"#, ["a=x,y", "b"]), (#"a=x\,y,b"#, ["a=x,y", "b"]), (",,a,", ["a"]),
        ("", []), (#"a=\n"#, [#"a=\n"#]), (#"a\"#, [#"a\"#]), (#"a=\"q"#, [#"a="q"#]),
    ])
    func splitting(_ text: String, _ words: [String]) {
        #expect(MountTypeOptions.split(text) == words)
    }

    @Test func asMountCallsIt() throws {
        let found = try MountHelper.arguments([
            "oci:/layout", "/mnt", "-sn", "-o", "rw,nosuid,allow_other,cache=/c,x-systemd.automount,unknown", "-t",
            "kitfs",
        ])
        #expect(found == ["mount", "--allow-other", "--cache=/c", "oci:/layout", "/mnt"])
        // `-f` only tries.
        #expect(try MountHelper.arguments(["oci:/layout", "/mnt", "-f"]) == nil)
    }

    @Test(arguments: [
        (["oci:/layout"], "usage"), (["a", "b", "c"], "usage"), (["a", "b", "-N", "1"], "namespace"),
        (["a", "b", "-q"], "no such option"), (["a", "b", "-o", "unknown"], "no such option"),
        (["a", "b", "-o", "foreground"], "no such option"), (["a", "b", "-o", "cache"], "needs a value"),
        (["a", "b", "-o", "allow_other=1"], "takes no value"),
    ])
    func asNobodyCallsIt(_ words: [String], _ reason: String) throws {
        let failure = try #require(throws: CommandFailure.self) { try MountHelper.arguments(words) }
        #expect(failure.code == .usage && failure.message.contains(reason), "\(failure.message)")
    }

    @Test func aScanPutsTheLineTogetherAgain() throws {
        let command = try #require(try CommandCatalog.ofKitfs().command(table: "mount"))
        var scan = CommandLineScan(
            ["mount", "ref", "-f", "--cache=/c", "--timeout", "5", "--no-foreground", "--odd", "dir", "--", "--cache"],
            command)
        #expect(scan.names == ["foreground", "cache", "timeout"])
        #expect(scan.value(of: "timeout") == "5" && scan.hasPositionals && !scan.asksForHelp)
        #expect(scan.takeNegations() == ["foreground"])
        #expect(
            scan.arguments == [
                "mount", "ref", "--foreground", "--cache=/c", "--timeout=5", "--odd", "dir", "--", "--cache",
            ])
    }
}
