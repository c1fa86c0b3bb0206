// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The units, on a machine booted by systemd.
@Suite(
    .serialized, .enabled(if: getenv("KITFS_SOAK") != nil, "KITFS_SOAK is not set: it boots a machine"),
    .enabled(if: geteuid() == 0, "only root may boot a machine"),
    .enabled(if: access("/lib/systemd/systemd", X_OK) == 0, "systemd is not installed"))
struct SystemdTests {
    private let directory: TemporaryDirectory
    private let machine: SystemdBoot

    /// One mount is a service. One is in fstab, and is mounted on first access. A third is not wanted at boot.
    init() throws {
        directory = try TemporaryDirectory()
        machine = try SystemdBoot(
            directory.path, kits: Fixtures.directory + "/layouts",
            preparation: """
                mkdir -p $R/srv/one $R/srv/two $R/srv/tab
                printf 'ref = "oci:/kits/plain-small:v1"\\ndir = "/srv/one"\\nallow-other = true\\n' >$R/etc/kitfs/one.conf
                printf 'ref = "oci:/kits/nothing:v1"\\ndir = "/srv/two"\\n' >$R/etc/kitfs/two.conf
                echo 'oci:/kits/plain-small:v1 /srv/tab kitfs _netdev,allow_other,x-systemd.automount,x-systemd.idle-timeout=1 0 0' >$R/etc/fstab
                printf '[Unit]\\nRequires=sysinit.target\\nAfter=sysinit.target kitfs@one.service\\nWants=kitfs@one.service remote-fs.target kitfs-prune.timer\\n' >$S/test.target
                sed -i 's/^RestartSec=.*/RestartSec=100ms/' $S/kitfs@.service
                """)
    }

    @Test func aServiceFromBootToStop() throws {
        // An active unit means that the mount is usable for everybody, and not only inside the unit.
        let state = "systemctl is-active kitfs@one kitfs-prune.timer"
        #expect(try machine.run(state) == "active\nactive\n")
        #expect(
            try machine.run("setpriv --reuid 65534 --clear-groups cat /srv/one/README.md").hasPrefix("# plain small"))
        #expect(try machine.run("systemctl show -P StatusText kitfs@one").contains("is mounted on /srv/one"))
        #expect(
            try machine.run("systemctl stop kitfs@one; ls -A /srv/one; grep /srv/one /proc/self/mountinfo || true")
                == "")
        #expect(try machine.run("systemctl start kitfs@one; ls /srv/one").hasPrefix("Kitfile\n"))
        let restarted = """
            old=$(systemctl show -P MainPID kitfs@one); systemctl restart kitfs@one; ls /srv/one
            [ $old != $(systemctl show -P MainPID kitfs@one) ]; grep -c ' /srv/one ' /proc/self/mountinfo
            """
        #expect(try machine.run(restarted) == "Kitfile\nREADME.md\ndata\nmodel\nsrc\n1\n")
        // After its process is killed, the service mounts again over the dead mount.
        let killed = """
            old=$(systemctl show -P MainPID kitfs@one); kill -9 $old
            for i in $(seq 300); do
                new=$(systemctl show -P MainPID kitfs@one)
                [ $new != $old ] && systemctl -q is-active kitfs@one && break; sleep 0.1
            done
            ls /srv/one; grep -c ' /srv/one ' /proc/self/mountinfo; systemctl is-active kitfs@one
            """
        #expect(try machine.run(killed) == "Kitfile\nREADME.md\ndata\nmodel\nsrc\n1\nactive\n")
        // The log's priorities are the journal's.
        let lines = "journalctl --no-pager -o json -u kitfs@one _COMM=kitfs --output-fields=PRIORITY,MESSAGE"
        let log = try machine.run(lines).split(separator: "\n")
        #expect(log.contains { $0.contains(#""PRIORITY":"5""#) && $0.contains("verify before-read") }, "\(log)")
        #expect(!log.contains { $0.contains(#""MESSAGE":"<"#) })
    }

    @Test func aServiceThatCannotStart() throws {
        let failed =
            "systemctl start kitfs@two; systemctl is-active kitfs@two; systemctl show -P ExecMainStatus kitfs@two; true"
        #expect(try machine.run(failed).contains("\n3\n"))
        #expect(
            try machine.run("systemctl stop kitfs@two; journalctl --no-pager -u kitfs@two -p err -o cat").contains(
                "/kits/nothing"))
        let without = "systemctl start kitfs@three 2>&1; systemctl show -P AssertResult kitfs@three"
        #expect(try machine.run(without).hasSuffix("no\n"))
    }

    /// The kit is mounted on first access, and unmounted when nobody has used it for a while.
    @Test func fstab() throws {
        let active = "systemctl is-active srv-tab.automount srv-tab.mount; true"
        #expect(try machine.run(active) == "active\ninactive\n")
        #expect(try machine.run("ls /srv/tab; cat /srv/tab/README.md").hasPrefix("Kitfile\nREADME.md\n"))
        try eventually(within: 30, "it is idle, and unmounted") {
            try machine.run(active) == "active\ninactive\n"
        }
        #expect(try machine.run("pgrep -f '^/sbin/mount.kitfs .*/srv/tab' || echo none") == "none\n")
        #expect(try machine.run("ls /srv/tab").hasPrefix("Kitfile\n"))
    }

    @Test func theTimerPrunes() throws {
        _ = try machine.run("cat /srv/one/README.md; printf '[cache-prune]\\nall = true\\n' >/etc/kitfs/kitfs.conf")
        let whole =
            "for i in $(seq 100); do kitfs cache list | grep -q whole && break; sleep 0.1; done; kitfs cache list"
        #expect(try machine.run(whole).split(separator: "\n").count == 2)
        // Makes the timer expire now.
        let soon = """
            systemctl stop kitfs@one
            mkdir /run/systemd/system/kitfs-prune.timer.d
            printf '[Timer]\\nOnCalendar=\\nRandomizedDelaySec=0\\nAccuracySec=1ms\\nOnActiveSec=1ms\\n' \\
                >/run/systemd/system/kitfs-prune.timer.d/soon.conf
            systemctl daemon-reload; systemctl restart kitfs-prune.timer
            for i in $(seq 300); do
                [ $(systemctl show -P ExecMainExitTimestampMonotonic kitfs-prune.service) = 0 ] || break; sleep 0.1
            done
            kitfs cache list | wc -l
            systemctl show -P Result kitfs-prune.service
            """
        let pruned = try machine.run(soon)
        #expect(pruned == "1\nsuccess\n", "\(pruned)")
    }
}

/// Checks of the units that need no booted machine.
@Suite struct UnitFileTests {
    @Test(.enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "systemd is not installed"))
    func areUnderstood() throws {
        let directory = try TemporaryDirectory()
        let units = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" } + "/systemd"
        let names = try Command.check("ls", [units]).output.split(separator: "\n").map(String.init)
        #expect(names.count == 5)
        for name in names {
            let text = String(decoding: try readFile("\(units)/\(name)"), as: UTF8.self)
            #expect(text.hasPrefix("# SPDX-License-Identifier: Apache-2.0\n"))
            let installed = text.replacing("ExecStart=kitfs ", with: "ExecStart=\(CommandFixture.executable) ")
            let file = directory.path + "/" + name.replacing("@.", with: "@x.")
            try writeFile(file, Array(installed.utf8))
            let result = try Command.run("systemd-analyze", ["verify", "--man=no", file])
            #expect(result.exitCode == 0 && result.errorOutput == "", "\(name): \(result.errorOutput)")
        }
    }
}
