#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs what `swift build --build-tests` has built, each suite in one of several processes: Swift Testing runs as many
# tests at a time as there are processors, and most of ours wait: for a mount, a registry, a time-out. Prints what the
# processes print, and at the end what failed. In CI, a skipped test fails.
# Usage: run.sh SWIFT [OPTION]..., those that it was built with; TEST_PROCESSES is how many processes.
set -euo pipefail

swift=$1
shift
processes=${TEST_PROCESSES:-3}
# They boot a machine: for `make soak`.
long='SystemdTests'
program=$(echo "$("$swift" build --show-bin-path "$@")"/*PackageTests.xctest)
mapfile -t suites < <("$swift" test list --skip-build "$@" | sed -nE 's#^([^/]+)/.*#\1#p' | sort -u | grep -vE "\.($long)$")
[ ${#suites[@]} -gt 0 ] || { echo "no tests" >&2; exit 1; }
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run() { # the share of the suites that this process has
	local filter='' place
	for ((place = $1; place < ${#suites[@]}; place += processes)); do filter+="|${suites[place]//./\\.}"; done
	"$program" --testing-library swift-testing --filter "^(${filter#|})/" 2>&1 | tee "$logs/$1"
}

running=()
for ((place = 0; place < processes && place < ${#suites[@]}; place++)); do
	run $place &
	running+=($!)
done
status=0
for process in "${running[@]}"; do wait "$process" || status=1; done

echo
grep -hE '^[^ ]*✘[^ ]* Test .*(recorded|failed)' "$logs"/* || true
grep -hE 'Test run with' "$logs"/* || status=1
echo "left to \`make soak\`: $long"
if [ -n "${CI:-}" ] && grep -hE '^.{1,9} Test .* skipped' "$logs"/*; then
	echo "skipped tests fail in CI" >&2
	status=1
fi
exit $status
