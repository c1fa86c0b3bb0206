#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what `make release docs` has made: install.sh DESTDIR PREFIX. For the prefix /usr, to where Debian has it.
set -eu
destination=$1
prefix=$2
here=$(dirname "$0")
root=$here/../..
case $prefix in
/usr) sbin=/usr/sbin zsh=vendor-completions units=${KITFS_UNITS:-/usr/lib/systemd/system} ;;
*) sbin=$prefix/sbin zsh=site-functions units=$prefix/lib/systemd/system ;;
esac
share=$destination$prefix/share

install -D -m 0755 "$root/.build/kitfs" "$destination$prefix/bin/kitfs"
install -d "$destination$sbin"
ln -sfn ../bin/kitfs "$destination$sbin/mount.kitfs"

for page in "$root"/.build/docs/*.[1-8]; do
    section=${page##*.}
    install -d "$share/man/man$section"
    gzip -9nc "$page" >"$share/man/man$section/$(basename "$page").gz"
    chmod 0644 "$share/man/man$section/$(basename "$page").gz"
done

install -d "$share/bash-completion/completions"
# It is read by a shell, not run.
sed '1{/^#!/d}' "$root/.build/docs/kitfs.bash" >"$share/bash-completion/completions/kitfs"
chmod 0644 "$share/bash-completion/completions/kitfs"
install -D -m 0644 "$root/.build/docs/kitfs.zsh" "$share/zsh/$zsh/_kitfs"
install -D -m 0644 "$root/.build/docs/kitfs.fish" "$share/fish/vendor_completions.d/kitfs.fish"

for unit in "$root"/systemd/*.service "$root"/systemd/*.timer; do
    [ -f "$unit" ] || continue
    install -d "$destination$units"
    install -m 0644 "$unit" "$destination$units/$(basename "$unit")"
done

install -D -m 0644 "$here/copyright" "$share/doc/kitfs/copyright"
for example in "$root"/systemd/*.mount "$root"/systemd/*.automount; do
    if [ -f "$example" ]; then
        install -D -m 0644 "$example" "$share/doc/kitfs/examples/$(basename "$example")"
    fi
done
