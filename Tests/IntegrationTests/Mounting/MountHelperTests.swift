// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// mount(8), umount(8) and fstab find our helper where they look for it, in a mount namespace of the test's own.
@Suite(.enabled(if: geteuid() == 0, "only root may mount with mount(8)"))
struct MountHelperTests {
    private let bench: CommandFixture
    private let target: String
    private let reference: String

    init() throws {
        bench = try CommandFixture()
        target = try bench.directory.subdirectory("m")
        reference = "oci:\(try UnprivilegedUser.reachable(Fixtures.layout("plain-small"), bench)):v1"
    }

    /// Runs a script that stops at the first failing command, except for those whose result it checks itself.
    private func run(_ script: String) throws -> CommandResult {
        let programs = try bench.directory.subdirectory("programs")
        let work = try bench.directory.subdirectory("work")
        let prepare = """
            set -eu
            mount -t overlay overlay -o lowerdir=/sbin,upperdir=\(programs),workdir=\(work) "$(realpath /sbin)"
            ln -sf "\(try UnprivilegedUser.reachable(CommandFixture.executable, bench))" /sbin/mount.kitfs
            R=\(reference) M=\(target) T=\(bench.directory.path)
            ends() { for _ in $(seq 500); do pgrep -f "^/sbin/mount.kitfs .* $M" >/dev/null || return 0; sleep 0.02; done; return 1; }
            """
        return try Command.run(
            "unshare", ["-m", "--propagation", "private", "sh", "-c", prepare + "\n" + script],
            environment: bench.environment)
    }

    @Test func mountAndUmount() throws {
        let result = try run(
            """
            mount -t kitfs $R $M -o ro,noexec,allow_other,uid=65534,gid=65533,umask=027,filter=model\\\\,docs
            findmnt -no FSTYPE,SOURCE,OPTIONS $M
            ls $M
            stat -c '%u %g %a' $M/README.md $M/model
            umount $M
            ends
            ls -A $M
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("fuse.kitfs \(reference)") ?? false, "\(result.output)")
        for option in ["ro", "nosuid", "nodev", "noexec", "allow_other"] {
            #expect(lines.first?.split(whereSeparator: { ", ".contains($0) }).contains(Substring(option)) ?? false)
        }
        #expect(lines.dropFirst() == ["README.md", "model", "65534 65533 550", "65534 65533 550"], "\(result.output)")
    }

    @Test func fstab() throws {
        let result = try run(
            """
            echo "$R $M kitfs _netdev,nofail,noatime,x-systemd.automount,comment=model,cache=$T/fstab 0 0" >$T/fstab.txt
            mount -a -T $T/fstab.txt
            mount -a -T $T/fstab.txt
            grep -c " $M " /proc/self/mountinfo
            cat $M/README.md >/dev/null
            ls $T/fstab/VERSION
            umount $M
            ends
            mount -T $T/fstab.txt $M
            mount -T $T/fstab.txt -o remount $M && echo remounted || echo $?
            umount $M
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output.hasPrefix("1\n\(bench.directory.path)/fstab/VERSION\n"), "\(result.output)")
    }

    /// mount(8) does not tell the helper whose home to use.
    @Test func aUsersEntryOfFstab() throws {
        try UnprivilegedUser.openFuse()
        let result = try run(
            """
            mkdir $T/somebody
            chown 65534:65534 $T/somebody $M
            chmod 755 $T
            echo "$R $M kitfs user,noauto,x-systemd.automount 0 0" >$T/fstab.txt
            mount --bind $T/fstab.txt /etc/fstab
            echo "nobody:x:65534:65534::$T/somebody:/bin/sh" >$T/passwd
            mount --bind $T/passwd /etc/passwd
            user="env -u HOME -u KITFS_CACHE setpriv --reuid 65534 --regid 65534 --clear-groups"
            $user mount $M
            findmnt -no FSTYPE,OPTIONS $M
            $user head -n 1 $M/README.md
            ls -d $T/somebody/.cache/kitfs/layers
            $user umount $M
            ends
            ls -A $M
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.first?.contains("user_id=65534") ?? false, "\(result.output)")
        #expect(lines.dropFirst() == ["# plain small", "\(bench.directory.path)/somebody/.cache/kitfs/layers"])
    }

    @Test func failures() throws {
        let result = try run(
            """
            code() { set +e; "$@"; echo $?; set -e; }
            code mount -t kitfs oci:/nowhere $M
            code mount -t kitfs $R $M -o frobnicate
            code mount -t kitfs $R $M -o cache
            code mount -t kitfs $R $T/none
            code mount -t kitfs $R $M -o timeout=0
            code mount -s -f -t kitfs $R $M -o frobnicate
            code mount.kitfs $R
            ! grep " $M " /proc/self/mountinfo
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output == "32\n32\n32\n32\n32\n0\n32\n", "\(result.output)\(result.errorOutput)")
        for says in ["/nowhere", "-o frobnicate: there is no such option", "-o cache: needs a value", "1 to 86400"] {
            #expect(result.errorOutput.contains(says), "\(result.errorOutput)")
        }
    }

    /// The leftovers of a killed mount process do not prevent a new mount.
    @Test func overADeadMount() throws {
        let result = try run(
            """
            mount -t kitfs $R $M
            kill -9 $(pgrep -f "^/sbin/mount.kitfs .* $M")
            until ! ls $M 2>/dev/null; do sleep 0.02; done
            mount -t kitfs $R $M
            grep -c " $M " /proc/self/mountinfo
            ls $M/README.md
            umount $M
            """)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output.hasSuffix("1\n\(target)/README.md\n"), "\(result.output)")
    }

    /// The same options on kitfs's own command line.
    @Test func asOptionsOfMount() throws {
        try bench.kitfs("mount", reference, target, "-o", "ro,umask=077,filter=docs", "-ouid=7")
        #expect(try Command.check("stat", ["-c", "%u %a", target + "/README.md"]).output == "7 500\n")
        #expect(try Command.check("ls", [target]).output == "README.md\n")
        try bench.kitfs("unmount", target)
        #expect(try bench.failure("mount", reference, target, "-o", "foreground").code == 2)
        #expect(try bench.failure("mount", reference, target, "--umask", "8").code == 2)
    }
}
