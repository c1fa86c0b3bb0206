// SPDX-License-Identifier: Apache-2.0
// Calls of Linux that Swift's Glibc does not show, or that are variadic or macros.
#pragma once
#include <errno.h>
#include <stddef.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

/// Swift does not offer it, since threads do not survive it: for a process of one thread.
static inline pid_t clinux_fork(void) {
    return fork();
}

/// A mount namespace of our own; with `user`, in a user namespace of our own. 0, or -1 with errno.
static inline int clinux_unshare_mounts(int user) {
    return (int)syscall(SYS_unshare, CLONE_NEWNS | (user ? CLONE_NEWUSER : 0));
}

/// Has this process sent a signal when its parent thread ends. Survives exec, but not of a set-id program.
static inline int clinux_set_parent_death_signal(int signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL);
}

/// Signals that are blocked, as something to read; see signalfd(2).
static inline int clinux_signal_descriptor(const sigset_t *signals) {
    return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// Sends a message of up to 4096 bytes and, unless it is -1, a descriptor over a Unix socket. As send(2).
static inline ssize_t clinux_send(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec piece = { .iov_base = (void *)bytes, .iov_len = count };
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/// Receives one. `descriptor` is -1 where none came, and closed on exec where one did. As recv(2).
static inline ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptor) {
    struct iovec piece = { .iov_base = bytes, .iov_len = count };
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
    };
    *descriptor = -1;
    ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = result < 0 ? 0 : CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return result;
}

/// Sends a datagram to a Unix socket by its name; one that starts with a zero byte is abstract. 0, or -1 with errno.
static inline int clinux_send_datagram(const char *name, size_t length, const void *bytes, size_t count) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (length == 0 || length >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
    memcpy(address.sun_path, name, length);
    int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(socket_, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int error = errno;
    close(socket_);
    errno = error;
    return sent == (ssize_t)count ? 0 : -1;
}

/// Of the file system that a path is on, as of statfs(2); 0 if that cannot be told.
static inline long clinux_file_system_type(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (long)status.f_type : 0;
}
