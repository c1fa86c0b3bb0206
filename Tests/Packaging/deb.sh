#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What happens with the package: deb.sh PACKAGE. Installed, used, upgraded while a kit is mounted, removed and purged, in a
# copy of this system that is not written to, and that nobody else sees. For root.
set -eu
if [ "${1:-}" != --inside ]; then
    package=$(realpath "$1")
    here=$(cd "$(dirname "$0")" && pwd)
    work=$(mktemp -d)
    trap 'rmdir "$work"' EXIT
    unshare --mount --propagation private "$here/$(basename "$0")" --inside "$package" "$work" "$here/../.."
    exit
fi
package=$2
root=$3/root
repository=$4

say() { echo "package: $*"; }
fail() { echo "package: $*" >&2; exit 1; }
# Whatever happens, no process of the copy stays, and with the last one its mounts are gone.
cleanup() {
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root" 2>/dev/null)" = "$root" ]; then kill -9 "${process#/proc/}" 2>/dev/null || true; fi
    done
    umount -l "$3" 2>/dev/null || true
}
trap 'cleanup "$@"' EXIT

mount -t tmpfs none "$3"
mkdir "$3/upper" "$3/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$3/upper,workdir=$3/work" "$root"
for part in proc sys dev; do mount --rbind "/$part" "$root/$part"; done
mount -t tmpfs none "$root/run"
mkdir "$root/package" "$root/model"
cp "$package" "$root/package/old.deb"
cp -r "$repository/Tests/Fixtures/layouts/plain-small" "$root/package/layout"
# The same as a newer version.
dpkg-deb -R "$package" "$3/newer"
sed -i 's/^Version: .*/&+newer/' "$3/newer/DEBIAN/control"
dpkg-deb -Znone --root-owner-group --build "$3/newer" "$root/package/new.deb" >/dev/null

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"; }

inside dpkg -i /package/old.deb >/dev/null
inside kitfs --version
for file in /usr/share/man/man1/kitfs-mount.1.gz /usr/share/man/man5/kitfs.conf.5.gz \
    /usr/share/man/man7/kitfs-semantics.7.gz /usr/share/bash-completion/completions/kitfs \
    /usr/share/zsh/vendor-completions/_kitfs /usr/share/fish/vendor_completions.d/kitfs.fish /usr/share/doc/kitfs/copyright; do
    inside test -s "$file" || fail "$file is missing"
done
[ "$(inside readlink -f /usr/sbin/mount.kitfs)" = /usr/bin/kitfs ] || fail "mount.kitfs is no link to kitfs"
inside man -l /usr/share/man/man1/kitfs.1.gz | grep -q SYNOPSIS || fail "the manual cannot be read"
# Each guide is a page.
inside man -l /usr/share/man/man7/kitfs-semantics.7.gz | grep -q '^WHEN THINGS FAIL$' || fail "the guides cannot be read"
for guide in "$repository"/Sources/Manual/*.md; do
    page=/usr/share/man/man7/kitfs-$(basename "$guide" .md).7.gz
    inside test -s "$page" || fail "$page is missing"
done
inside bash -c '. /usr/share/bash-completion/completions/kitfs && complete -p kitfs' >/dev/null || fail "no completions"
say "installed"

inside kitfs mount oci:/package/layout:v1 /model
inside cat /model/README.md >/dev/null
process=$(inside kitfs status --json /model | sed -n 's/.*"pid" : \([0-9]*\).*/\1/p' | head -n 1)
# Somebody has a file open, and keeps it.
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" sh -c 'exec 9</model/README.md; exec sleep 60' &
reader=$!
inside dpkg -i /package/new.deb >/dev/null
inside dpkg-query -W -f '${Version}\n' kitfs | grep -q newer || fail "it was not upgraded"
kill -0 "$process" || fail "the mount's process has ended"
readlink "/proc/$process/exe" | grep -q deleted || fail "the mount is not served by the old version any more"
# What nobody had asked for before.
inside sh -c 'cat /model/data/train/*/*/* /model/model/weights.safetensors | wc -c' | grep -q '^[1-9]' || fail "no reads after an upgrade"
inside kitfs status /model | grep -q cached || fail "the new version does not know of the mount"
say "upgraded under a live mount"

kill "$reader"
wait "$reader" 2>/dev/null || true
inside kitfs unmount /model
echo 'timeout = 60' >"$root/etc/kitfs/kitfs.conf"
inside dpkg -r kitfs >/dev/null
inside test -e /etc/kitfs/kitfs.conf || fail "removing took the configuration"
inside test -d /var/cache/kitfs || fail "removing took the cache"
inside dpkg -P kitfs >/dev/null
for left in /etc/kitfs /var/cache/kitfs /usr/bin/kitfs /usr/sbin/mount.kitfs /usr/share/doc/kitfs; do
    if inside test -e "$left"; then fail "$left was left"; fi
done
say "removed and purged"
