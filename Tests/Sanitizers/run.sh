#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command whose programs are built with a sanitizer; fails also where only a program that the
# tests started, such as a mount's process, was found to be wrong.
set -uo pipefail
kind="$1"
shift
reports="$(mktemp -d)"
trap 'rm -rf "$reports"' EXIT
common="log_path=$reports/report:exitcode=99"
# Leaks are not looked for: at exit, a program that ends by _exit, or in the middle of what other threads do, has much
# that it can still reach only from registers.
export ASAN_OPTIONS="$common:detect_leaks=0"
export TSAN_OPTIONS="$common"
export KITFS_SANITIZER="$kind"
"$@"
status=$?
found="$(find "$reports" -type f -size +0)"
if [ -n "$found" ]; then
    # shellcheck disable=SC2086 # a list of files
    cat $found >&2
    echo "$kind sanitizer: $(echo "$found" | wc -l) programs have reports" >&2
    status=1
fi
exit $status
