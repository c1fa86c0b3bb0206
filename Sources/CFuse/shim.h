// SPDX-License-Identifier: Apache-2.0
#pragma once
#define FUSE_USE_VERSION 314
#include <stddef.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

/// A function, or since libfuse 3.17 a macro.
static inline struct fuse_session *cfuse_session_new(
    struct fuse_args *arguments, const struct fuse_lowlevel_ops *operations, size_t size, void *context) {
    return fuse_session_new(arguments, operations, size, context);
}

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

/// What Debian's headers do not know yet. Source: include/uapi/linux/fuse.h of Linux 6.9.
struct cfuse_init_out {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth;
};

struct cfuse_open_out {
    uint64_t fh;
    uint32_t open_flags;
    int32_t backing_id;
};

struct cfuse_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};

enum {
    cfuse_init_ext = 1 << 30,           // FUSE_INIT_EXT
    cfuse_passthrough_flag2 = 1 << 5,   // FUSE_PASSTHROUGH, bit 37, in the upper word
    cfuse_open_passthrough = 1 << 7,    // FOPEN_PASSTHROUGH
    cfuse_open_noflush = 1 << 5,        // FOPEN_NOFLUSH
};

#include <sys/ioctl.h>

/// Variadic, which Swift cannot call. Returns the backing's number, or -1 with errno.
static inline int cfuse_backing_open(int device, int file) {
    struct cfuse_backing_map map = { .fd = file };
    return ioctl(device, _IOW(229, 1, struct cfuse_backing_map), &map);
}

/// Since libfuse 3.17 it negotiates passthrough and answers opens with a backing itself.
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
enum { cfuse_knows_passthrough = 1 };

/// Whether the kernel has it too; the backing file is to lie on a file system that is not stacked.
static inline int cfuse_want_passthrough(struct fuse_conn_info *connection) {
    connection->max_backing_stack_depth = 1;
    return fuse_set_feature_flag(connection, FUSE_CAP_PASSTHROUGH) ? 1 : 0;
}

static inline void cfuse_set_backing(struct fuse_file_info *fi, int32_t backing) { fi->backing_id = backing; }
#else
enum { cfuse_knows_passthrough = 0 };
static inline int cfuse_want_passthrough(struct fuse_conn_info *connection) { (void)connection; return 0; }
static inline void cfuse_set_backing(struct fuse_file_info *fi, int32_t backing) { (void)fi; (void)backing; }
#endif

/// The buffer vector has a flexible array. Returns 0, or a negative errno.
static inline int cfuse_store(struct fuse_session *session, fuse_ino_t inode, void *data, size_t size) {
    struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(size);
    bytes.buf[0].mem = data;
    return fuse_lowlevel_notify_store(session, inode, 0, &bytes, (enum fuse_buf_copy_flags)0);
}

static inline int cfuse_backing_close(int device, uint32_t backing) {
    return ioctl(device, _IOW(229, 2, uint32_t), &backing);
}
