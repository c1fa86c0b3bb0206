# SPDX-License-Identifier: Apache-2.0
# One command for each thing that one does with kitfs. From a fresh clone, each installs what it lacks.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift

BUILD_PACKAGES := fuse3 libfuse3-dev libcurl4-openssl-dev libssl-dev libisal-dev libzstd-dev libyaml-dev pkg-config binutils
FUZZ_PACKAGES := openssl zstd
BENCH_PACKAGES := curl docker-registry fio gzip isal perl-base python3-venv skopeo util-linux
TEST_PACKAGES := curl docker-registry fio git nginx-light procps python3 skopeo openssl systemd util-linux mount zstd tmux mandoc man-db zsh fish
DEB_PACKAGES := dpkg-dev lintian

# The release: Swift's own libraries are linked in, so that it runs on a machine without a toolchain.
RELEASE := $(SWIFT) build -c release --static-swift-stdlib --product
RELEASE_LIMIT := 20000000
VERSION := $(shell find Sources/kitfs -name Kitfs.swift -exec sed -n 's/.*static let version = "\(.*\)"/\1/p' {} +)
# The manual has the date of the release, so that the same sources make the same package.
RELEASE_DATE := $(shell LC_ALL=C date -u -d "$$(sed -n 's/^ -- .*>  //p' Sources/Packaging/changelog | head -n 1)" '+%B %-d, %Y')

# What measures, optimised like what is measured.
BENCH := $(SWIFT) build -c release --static-swift-stdlib --product Benchmarks
SCALE ?= full
ROUNDS ?= 5
ROWS ?=

ADDRESS := --sanitize address --scratch-path .build-asan
THREAD := --sanitize thread --scratch-path .build-tsan -Xlinker $(CURDIR)/.build-tsan/thread.o
CLANG ?= $(dir $(shell readlink -f "$$(command -v $(SWIFT))"))clang

.PHONY: build release docs deb test test-deb lint demo bench fuzz soak sanitize install clean packages fuzz-packages test-packages deb-packages bench-chart bench-peers

build: packages ## a debug build
	$(SWIFT) build

release: packages ## .build/kitfs: optimised, stripped, at most 20 MB
	$(RELEASE) kitfs
	strip -o .build/kitfs "$$($(RELEASE) kitfs --show-bin-path)/kitfs"
	@size=$$(stat -c %s .build/kitfs); \
	if [ $$size -gt $(RELEASE_LIMIT) ]; then echo "kitfs has $$size bytes, over $(RELEASE_LIMIT)" >&2; exit 1; fi; \
	echo "kitfs: $$size bytes"

docs: release ## .build/docs: manual pages and completions, made from the commands' own definitions and Sources/Manual
	@[ -n "$(VERSION)" ] || { echo "Sources/kitfs says no version" >&2; exit 1; }
	$(RELEASE) kitfs-docs
	rm -rf .build/docs && mkdir -p .build/docs
	.build/kitfs --experimental-dump-help | \
		"$$($(RELEASE) kitfs-docs --show-bin-path)/kitfs-docs" "$(VERSION)" "$(RELEASE_DATE)" Sources/Manual .build/docs
	@for shell in bash zsh fish; do \
		.build/kitfs --generate-completion-script $$shell >.build/docs/kitfs.$$shell || exit 1; done

deb: docs deb-packages ## .build/kitfs_VERSION_ARCHITECTURE.deb, without complaints of lintian
	Sources/Packaging/deb.sh "$(VERSION)"
	lintian --fail-on error .build/kitfs_$(VERSION)_*.deb

test-deb: deb ## installs, upgrades under a live mount, removes and purges the package, beside this system
	Tests/Packaging/deb.sh .build/kitfs_$(VERSION)_*.deb

test: packages test-packages ## all tests but the long ones; in CI, a skipped one fails
	$(SWIFT) build --build-tests
	Tests/run.sh $(SWIFT)

lint: ## formatting and style; compiler warnings are errors in every build
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests
	@unmarked=$$(git ls-files -- '*.swift' '*.c' '*.h' '*.modulemap' '*.sh' '*.service' '*.timer' '*.mount' '*.automount' Makefile .ci Sources/Packaging/post* Sources/Packaging/pre* | \
		xargs grep -L 'SPDX-License-Identifier: Apache-2.0'); \
	if [ -n "$$unmarked" ]; then echo "without their license: $$unmarked" >&2; exit 1; fi

demo: release ## mounts a bundled kit, lists, reads, unmounts, prunes; no registry needed
	Tests/Demo/demo.sh .build/kitfs

bench: release bench-peers ## measures kitfs against its peers: a table, JSON and a chart in .build/bench; ROWS="start warm" chooses, SCALE=small is quick
	$(BENCH)
	mkdir -p .build/bench
	"$$($(BENCH) --show-bin-path)/Benchmarks" run --scale $(SCALE) --rounds $(ROUNDS) --output .build/bench/results.json $(ROWS)
	"$$($(BENCH) --show-bin-path)/Benchmarks" chart .build/bench/results.json .build/bench/results.svg

bench-chart: ## draws the committed results, Tests/Benchmarks/results.json, for README.md and the guide to performance
	$(BENCH)
	"$$($(BENCH) --show-bin-path)/Benchmarks" chart Tests/Benchmarks/results.json Tests/Benchmarks/results.svg

fuzz: packages fuzz-packages ## FUZZ_TIME seconds of each of FUZZ_TARGETS (all); fails if one traps, hangs or takes too much memory
	Tests/Fuzz/fuzz.sh

soak: packages test-packages ## the long and random tests: 500 random kits, layers without end, random reads, slow faults, a minute of each fuzz target
	$(SWIFT) build --build-tests
	KITFS_SOAK=1 KITFS_KITS=500 $(SWIFT) test --skip-build --filter 'RandomKitTests|HostileCompressionTests|TransferStressTests|FetchScheduleTests|WantListTests|WaitTests|ReadModelTests|HungRegistryTests|NetworkFaultTests|ServerFaultTests|KilledFetchTests|ManyMembersTests|CrashPointTests|ManyJobsTests|LoopTests|RoomTests|DamagedCacheTests|SystemdTests'
	FUZZ_TIME=60 $(MAKE) fuzz

sanitize: packages test-packages ## all tests under AddressSanitizer, then under ThreadSanitizer
	$(SWIFT) build --build-tests $(ADDRESS)
	Tests/Sanitizers/run.sh address Tests/run.sh $(SWIFT) $(ADDRESS)
	mkdir -p .build-tsan
	$(CLANG) -O1 -Wall -Wextra -Werror -c Tests/Sanitizers/thread.c -o .build-tsan/thread.o
	$(SWIFT) build --build-tests $(THREAD)
	Tests/Sanitizers/run.sh thread Tests/run.sh $(SWIFT) $(THREAD)

install: docs ## into $(PREFIX): the command, its manual, completions for bash, zsh and fish, units for systemd
	Sources/Packaging/install.sh "$(DESTDIR)" "$(PREFIX)"

clean:
	$(SWIFT) package clean
	rm -rf .build-asan .build-tsan

# ratarmount is on PyPI only. What cannot be installed is named in the table as missing.
bench-peers:
	@.ci/packages $(BENCH_PACKAGES)
	@[ -x .build/bench-venv/bin/ratarmount ] || { python3 -m venv .build/bench-venv && \
	.build/bench-venv/bin/pip install -q ratarmount fsspec aiohttp requests; } || echo "no ratarmount" >&2

packages:
	@.ci/packages $(BUILD_PACKAGES)

fuzz-packages:
	@.ci/packages $(FUZZ_PACKAGES)

test-packages:
	@.ci/packages $(TEST_PACKAGES)

deb-packages:
	@.ci/packages $(DEB_PACKAGES)
