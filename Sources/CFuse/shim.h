// SPDX-License-Identifier: Apache-2.0
#pragma once
#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

/// A bit field that Swift cannot set: keep the kernel's pages of this file across opens.
static inline void cfuse_open_flags(struct fuse_file_info *fi, int keep_cache, int no_flush) {
    fi->keep_cache = keep_cache ? 1 : 0;
    fi->noflush = no_flush ? 1 : 0;
}

/// Likewise for directories: let the kernel keep their entries.
static inline void cfuse_cache_directory(struct fuse_file_info *fi, int cache) {
    fi->cache_readdir = cache ? 1 : 0;
    fi->keep_cache = cache ? 1 : 0;
}
