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
# Once more, alone: a test that passes then was disturbed by the others, or the machine, and is to be mended. A process
# that did not come to its end is no such case.
mapfile -t failed < <(grep -haoE '✘[^ ]* Test [A-Za-z0-9_]+\(' "$logs"/* | sed -E 's/.* Test (.*)\(/\1/' | sort -u)
ended=$(grep -halE 'Test run with' "$logs"/* | wc -l)
if [ $status != 0 ] && [ "$ended" = ${#running[@]} ] && [ ${#failed[@]} -gt 0 ] && [ ${#failed[@]} -le 5 ]; then
	status=0
	for name in "${failed[@]}"; do
		if "$program" --testing-library swift-testing --filter "/$name\\(" >"$logs.again" 2>&1 &&
			grep -qaE "Test run with [1-9]" "$logs.again"; then
			echo "FLAKY $name, which passed alone; it failed with:"
			grep -hE "✘[^ ]* Test $name\(.*recorded" "$logs"/* || true
		else
			grep -aE '✘' "$logs.again" || true
			status=1
		fi
	done
	rm -f "$logs.again"
fi

grep -hE '^[^ ]*✘[^ ]* Test .*(recorded|failed)' "$logs"/* || true
grep -hE 'Test run with' "$logs"/* || status=1
echo "left to \`make soak\`: $long"
if [ -n "${CI:-}" ] && grep -hE '^.{1,9} Test .* skipped' "$logs"/*; then
	echo "skipped tests fail in CI" >&2
	status=1
fi
exit $status
