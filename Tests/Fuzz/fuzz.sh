#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes the parsers of what others wrote, by libFuzzer with AddressSanitizer. FUZZ_TIME seconds a target (60),
# FUZZ_TARGETS (all), FUZZ_JOBS at a time (as many as there are processors). The corpus grows in .build/fuzz/corpus from
# one run to the next; what ends a target is kept in .build/fuzz/artifacts, and this then fails.
#
# Again with one input:  KITFS_FUZZ_TARGET=tar .build/fuzz/fuzz .build/fuzz/artifacts/tar-crash-…
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_TIME:-60}
jobs=${FUZZ_JOBS:-$(nproc)}
out=$PWD/.build/fuzz
fixtures=$PWD/Tests/Fixtures
mkdir -p "$out/seeds" "$out/corpus" "$out/logs" "$out/artifacts"

# Swift's own crash reporter waits for ever for a process that libFuzzer ends.
export SWIFT_BACKTRACE=enable=no
# Swift's strings and enums are bit patterns in pointers, which LeakSanitizer does not see through.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0

echo "Building the targets, with coverage and AddressSanitizer" >&2
build=(env KITFS_FUZZ=1 "${SWIFT:-swift}" build --scratch-path "$out/build" -c release --product FuzzTargets
    -Xswiftc -enable-testing -Xswiftc -sanitize=fuzzer,address -Xcxx -fsanitize=fuzzer-no-link,address)
"${build[@]}" >"$out/build.log" 2>&1 || { grep -E 'error|warning' "$out/build.log" >&2 || tail -20 "$out/build.log" >&2; exit 1; }
# gold, which swiftc would take, does not get along with this runtime.
"${SWIFT:-swift}"c -sanitize=fuzzer,address -use-ld=lld -o "$out/fuzz" "$("${build[@]}" --show-bin-path)/libFuzzTargets.a" \
    -lcurl -lcrypto -lisal -lyaml -lzstd -lstdc++

# Seeds: the blobs of the real kits by what they are, and what each target makes itself.
rm -rf "$out/seeds" && mkdir -p "$out/seeds"
mapfile -t targets < <(KITFS_FUZZ_SEEDS=$out/seeds "$out/fuzz")
[ -z "${FUZZ_TARGETS:-}" ] || read -ra targets <<<"$FUZZ_TARGETS"

seed() { # TARGET FILE: no more than the head of it
    head -c 16384 "$2" >"$out/seeds/$1/$(basename "$2")"
}
for blob in "$fixtures"/layouts/*/blobs/sha256/* "$fixtures"/kit-home/storage/blobs/sha256/*; do
    case $(head -c 2 "$blob" | od -An -tx1 | tr -d ' ') in
    1f8b) seed gzip "$blob" ;;
    7b22) # {"
        if grep -q '"layers"' "$blob"; then
            seed manifest "$blob"
            config=$(grep -o 'sha256:[0-9a-f]*' "$blob" | head -n 1)
            { cat "$blob"; printf '\0'; cat "${blob%/*}/${config#sha256:}"; } >"$out/seeds/kit/$(basename "$blob")"
        else
            seed kitfile "$blob"
        fi ;;
    *)
        for target in tar tarlist; do seed $target "$blob"; done
        { printf '\0\010\0\0\0\0\0\0\002'; head -c 16000 "$blob"; } >"$out/seeds/head/$(basename "$blob")" ;;
    esac
done
cp "$fixtures"/kit-home/storage/*-tags.json "$out/seeds/tags"
for index in "$fixtures"/layouts/*/index.json; do
    cp "$index" "$out/seeds/manifest/$(basename "$(dirname "$index")")-index.json"
done
# Others' gzip: a name in the header, several members, padding, and bytes that do not compress.
name=$(mktemp -d)/name
seq 500 >"$name" && gzip -kN "$name" && cp "$name.gz" "$out/seeds/gzip/named"
cat "$name.gz" "$name.gz" >"$out/seeds/gzip/two"
{ cat "$name.gz"; head -c 512 /dev/zero; } >"$out/seeds/gzip/padded"
head -c 2000 "$out/fuzz" | openssl sha512 -binary | gzip -1 >"$out/seeds/gzip/stored"
# Others' Zstandard: with and without checksum and length, several frames, a large window, bytes that do not compress.
zstd -q -c --check "$name" >"$out/seeds/zstd/checked"
zstd -q -c --no-check <"$name" >"$out/seeds/zstd/streamed"
cat "$out/seeds/zstd/checked" "$out/seeds/zstd/streamed" >"$out/seeds/zstd/two"
zstd -q -c --no-check --ultra -20 --long=27 <"$name" >"$out/seeds/zstd/long"
head -c 2000 "$out/fuzz" | openssl sha512 -binary | zstd -q -c -1 >"$out/seeds/zstd/stored"
rm -rf "${name%/*}"

fuzz() { # TARGET: never fails; the summary tells
    mkdir -p "$out/corpus/$1"
    KITFS_FUZZ_TARGET=$1 timeout -k 10 $((seconds + 120)) "$out/fuzz" "$out/corpus/$1" "$out/seeds/$1" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$out/artifacts/$1-" >"$out/logs/$1.log" 2>&1 ||
        echo "$1 ended with code $?: see $out/logs/$1.log" >&2
}
started=$(mktemp)
for target in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    echo "Fuzzing $target for $seconds s" >&2
    fuzz "$target" &
done
wait

stat() { sed -n "s/^stat::$2: *//p" "$out/logs/$1.log" | tail -n 1; }
failed=0
printf '\n%-12s %12s %9s %7s %7s %9s\n' target executions exec/s edges new failures
for target in "${targets[@]}"; do
    edges=$(grep -o ' cov: [0-9]*' "$out/logs/$target.log" | tail -n 1 | tr -dc 0-9 || true)
    failures=$(find "$out/artifacts" -name "$target-*" -newer "$started" | wc -l)
    # A run that ended otherwise than by its time has no figures, and is a failure too.
    executions=$(stat "$target" number_of_executed_units)
    [ -n "$executions" ] && [ "$failures" = 0 ] || failed=1
    printf '%-12s %12s %9s %7s %7s %9s\n' "$target" "${executions:--}" "$(stat "$target" average_exec_per_sec)" \
        "${edges:--}" "$(stat "$target" new_units_added)" "$failures"
done
find "$out/artifacts" -type f -newer "$started"
rm -f "$started"
exit "$failed"
