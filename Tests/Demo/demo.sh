#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows what kitfs does, on a small kit that comes with the sources: usage demo.sh KITFS
set -eu
kitfs=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
scratch=$(mktemp -d)
mount=$scratch/model
export KITFS_CACHE="$scratch/cache"

# Leaves nothing behind, also after a failure.
clean_up() {
    if grep -q " $mount " /proc/self/mountinfo; then "$kitfs" unmount --lazy "$mount" || umount -l "$mount" || true; fi
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$(printf '%s' "$*" | sed "s|$kitfs|kitfs|; s|$scratch|DIR|g; s|$here/../Fixtures|KITS|")"; "$@"; }
fail() { echo "demo failed: $*" >&2; exit 1; }
cached() { "$kitfs" cache list | tail -n +2 | wc -l; }

say "A kit: a model, its parts, code, a dataset and docs, in five layers. Here it is in a directory; it could be in a registry."
kit=oci:$here/../Fixtures/layouts/plain-small:v1
run "$kitfs" inspect "$kit"

say "Mount it. The manifest and the Kitfile are fetched, no layer."
mkdir "$mount"
run "$kitfs" mount "$kit" "$mount"
[ "$(cached)" = 0 ] || fail "mounting fetched a layer"

say "List it. The headers of the layers are enough."
run ls -l "$mount" "$mount/model"
[ "$(cached)" = 0 ] || fail "listing fetched a layer"

say "Read a file of the dataset. Its layer is fetched, verified, and kept; the others still are not."
run sha256sum "$mount/data/train/s0/p/f0.bin"
[ "$(sha256sum <"$mount/data/train/s0/p/f0.bin" | cut -c1-8)" = bfb6a37c ] || fail "the file's content is wrong"
[ "$(cached)" = 1 ] || fail "reading one file should have fetched one layer"
run "$kitfs" status "$mount"

say "Unmount it. What was fetched stays for the next mount, of this kit or any other that shares a layer."
run "$kitfs" unmount "$mount"
run "$kitfs" cache list
[ "$(cached)" = 1 ] || fail "the cache did not keep the layer"

say "Prune the cache."
run "$kitfs" cache prune --all
[ "$(cached)" = 0 ] || fail "the cache was not emptied"

say "Done: nothing is left behind. The command is .build/kitfs; \`make install\` puts it into /usr/local/bin."
