// SPDX-License-Identifier: Apache-2.0

/// mount.kitfs(8): the command under the name by which mount(8) calls it.
struct HelperPage {
    let edition: Edition
    let name = "mount.kitfs.8"

    var text: String {
        var lines = edition.header("mount.kitfs", section: 8)
        lines += [".Sh NAME", ".Nm mount.kitfs", ".Nd mount a kit, as mount(8) and fstab do", ".Sh SYNOPSIS"]
        lines += [".Nm mount", ".Fl t Cm kitfs", ".Op Fl o Ar options", ".Ar ref", ".Ar dir"]
        lines += [".Sh DESCRIPTION"] + Mdoc.paragraphs(Self.description)
        lines += [".Sh EXIT STATUS"]
        lines += Mdoc.list([("0", "Mounted."), ("2", "Wrong usage."), ("32", "The mount failed.")], macro: "Li")
        lines += [".Sh EXAMPLES"] + Mdoc.example(Self.example)
        lines += [
            ".Sh SEE ALSO", ".Xr kitfs-mount 1 ,", ".Xr fstab 5 ,", ".Xr kitfs.conf 5 ,",
            ".Xr kitfs-run-and-services 7 ,", ".Xr mount 8",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static let description = """
        mount(8) calls this helper for the type kitfs. It does what `kitfs mount` does. Its options have the names of that \
        command's, with dashes or underscores, such as `cache=/srv/kitfs` or `allow_other`. Options of mount(8) and \
        systemd, such as `ro`, `_netdev` or `x-systemd.automount`, may stand beside them.
        """

    private static let example = [
        "mount -t kitfs registry.example.com/team/model:v1 /srv/model -o allow_other",
        "",
        "# in /etc/fstab",
        "registry.example.com/team/model:v1  /srv/model  kitfs  _netdev,allow_other,x-systemd.automount  0 0",
    ]
}
