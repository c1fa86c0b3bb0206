#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes .build/kitfs_VERSION_ARCHITECTURE.deb of what `make release docs` has made: deb.sh VERSION. Needs dpkg-deb, and
# dpkg-shlibdeps of dpkg-dev; the same sources give the same bytes.
set -eu
version=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
architecture=$(dpkg --print-architecture)
work=$root/.build/deb
umask 022
rm -rf "$work"
mkdir -p "$work/tree/DEBIAN" "$work/debian"

KITFS_UNITS=/lib/systemd/system "$here/install.sh" "$work/tree" /usr
gzip -9nc "$here/changelog" >"$work/tree/usr/share/doc/kitfs/changelog.gz"
install -d "$work/tree/etc/kitfs"

# It looks for a source package's control file.
printf 'Source: kitfs\n\nPackage: kitfs\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O tree/usr/bin/kitfs 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "no dependencies were found" >&2; exit 1; }

size=$(du -sk --apparent-size --exclude=DEBIAN "$work/tree" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
    -e "s/@DEPENDS@/$depends, fuse3/" "$here/control" >"$work/tree/DEBIAN/control"
for script in postinst prerm postrm; do install -m 0755 "$here/$script" "$work/tree/DEBIAN/$script"; done
(cd "$work/tree" && find usr lib -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 md5sum) >"$work/tree/DEBIAN/md5sums"

SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*>  //p' "$here/changelog" | head -n 1)" +%s)
export SOURCE_DATE_EPOCH
find "$work/tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$work/tree" "$root/.build/kitfs_${version}_$architecture.deb"
