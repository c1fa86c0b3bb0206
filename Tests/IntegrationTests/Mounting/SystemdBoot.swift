// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A machine booted by systemd, in namespaces of its own. It sees this machine's files, and its changes end with it.
final class SystemdBoot {
    private let directory: String
    private let process: BackgroundProcess
    private let manager: Int32

    /// `kits`: a folder of layouts, seen as /kits. `preparation`: a script with the new root in `$R`.
    init(_ directory: String, kits: String, preparation: String) throws {
        self.directory = directory
        let script = "\(directory)/boot.sh"
        try writeFile(script, Array(Self.script(preparation).utf8))
        process = try BackgroundProcess(
            "unshare",
            [
                "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "sh", script, directory,
                CommandFixture.executable, kits, Self.units,
            ])
        let unshare = process.pid
        let children = "/proc/\(unshare)/task/\(unshare)/children"
        var manager: Int32?
        try eventually(within: 60, "systemd has booted") { [process] in
            guard process.isRunning else { throw TestSupportError("no boot: \(process.errorOutput)") }
            manager = Int32(String(decoding: try readFile(children), as: UTF8.self).split(separator: " ").first ?? "")
            guard let manager else { return false }
            let comm = try? readFile("/proc/\(manager)/comm")
            guard comm.map({ $0 == Array("systemd\n".utf8) }) ?? false else { return false }
            return try Self.enter(manager, "systemctl is-system-running").output == "running\n"
        }
        guard let manager else { throw TestSupportError("no boot") }
        self.manager = manager
    }

    deinit { process.terminate(grace: 0) }

    /// The units of this repository.
    private static var units: String {
        #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" } + "/systemd"
    }

    private static func enter(_ manager: Int32, _ script: String) throws -> CommandResult {
        try Command.run("nsenter", ["-a", "-t", "\(manager)", "sh", "-c", script], environment: ["KITFS_CONF": ""])
    }

    /// Runs a script on the machine, outside of any unit, as a logged-in user would.
    func run(_ script: String) throws -> String {
        let result = try Self.enter(manager, script)
        guard result.exitCode == 0 else {
            let log = try Self.enter(manager, "journalctl --no-pager -o cat | tail -30").output
            throw TestSupportError("\(script): \(result.exitCode): \(result.output)\(result.errorOutput)\n\(log)")
        }
        return result.output
    }

    /// Boots with an overlay of our root. The machine cannot change what a container must not touch. Units that take
    /// long and show nothing are masked.
    private static func script(_ preparation: String) -> String {
        """
        set -eu
        B=$1 K=$2 KITS=$3 UNITS=$4
        mount --make-rprivate /
        mkdir $B/boot
        mount -t tmpfs tmpfs $B/boot
        mkdir $B/boot/upper $B/boot/work $B/boot/root
        mount -t overlay overlay -o lowerdir=/,upperdir=$B/boot/upper,workdir=$B/boot/work $B/boot/root
        R=$B/boot/root
        mount -t proc proc $R/proc
        mount -o bind,ro $R/proc/sys $R/proc/sys
        mount -t sysfs -o ro sysfs $R/sys
        mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
        mount -t tmpfs tmpfs $R/run
        mount -t tmpfs -o mode=755 tmpfs $R/dev
        for d in null zero full random urandom tty fuse autofs; do
            [ -e /dev/$d ] || continue
            touch $R/dev/$d; mount --bind /dev/$d $R/dev/$d
        done
        touch $R/dev/console; mount --bind /dev/null $R/dev/console
        mkdir $R/dev/shm $R/dev/pts; ln -s /proc/self/fd $R/dev/fd
        mount -t devpts -o newinstance,ptmxmode=666 devpts $R/dev/pts; ln -s pts/ptmx $R/dev/ptmx
        mkdir $R/kits; mount --bind $KITS $R/kits
        install -D $K $R/usr/bin/kitfs
        ln -sf /usr/bin/kitfs $R/usr/sbin/mount.kitfs
        S=$R/etc/systemd/system
        rm -rf $S $R/var/log/journal; mkdir -p $S $R/etc/kitfs
        cp $UNITS/kitfs* $S
        for u in tmp.mount systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-udevd.service \\
            systemd-udev-trigger.service systemd-random-seed.service systemd-firstboot.service \\
            systemd-networkd-wait-online.service NetworkManager-wait-online.service ifupdown-wait-online.service
        do ln -s /dev/null $S/$u; done
        \(preparation)
        cd $R
        mkdir -p old; pivot_root . old; umount -l /old
        exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}" \\
            /lib/systemd/systemd --system --unit=test.target --show-status=no </dev/null
        """
    }
}
