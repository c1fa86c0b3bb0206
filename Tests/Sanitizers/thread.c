// SPDX-License-Identifier: Apache-2.0
// Tells ThreadSanitizer what Swift's libraries put in order: they are not compiled with it, so that it takes what they
// have ordered for races. Linked into programs that `make sanitize` builds, and no others.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// Mutex. The fast way is an atomic operation that is compiled into its user, and so is seen. The slow way, for a lock
// that somebody holds, is a system call (futex(2), FUTEX_LOCK_PI) in libswiftSynchronization. These two take the place
// of the library's, since a program's own symbols come first for the dynamic linker. `self` is in the register that
// Swift's calling convention has for the context.

#define SWIFT_CALL __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

SWIFT_CALL void lock_slow(uint32_t thread, SELF uint32_t *word)
    __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT_CALL void unlock_slow(SELF uint32_t *word) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

SWIFT_CALL void lock_slow(uint32_t thread, SELF uint32_t *word) {
    (void)thread;
    while (syscall(SYS_futex, word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0)
        if (errno != EINTR && errno != EAGAIN) abort();
    __tsan_acquire(word);
}

SWIFT_CALL void unlock_slow(SELF uint32_t *word) {
    __tsan_release(word);
    while (syscall(SYS_futex, word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0)
        if (errno != EINTR && errno != EAGAIN) abort();
}

// References. Who gives up one has read what is behind it before; who finds itself to be the only owner may write there,
// and the last one frees it. These, too, take the place of the library's, which they call.

#define RUNTIME(name)                                                        \
    static __typeof__(name) *runtime;                                        \
    if (!runtime) runtime = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);

size_t swift_retainCount(void *object);

static void given_up(void *reference, uint32_t count) {
    // Null, or a value that is stored in the place of a reference, such as a short string.
    if ((intptr_t)reference <= 0) return;
    void *object = (void *)((uintptr_t)reference & 0x00fffffffffffff8);
    if (!object) return;
    __tsan_release(object);
    // Two that do this at once see one too many.
    if (swift_retainCount(object) <= count + 1) __tsan_acquire(object);
}

#define RELEASE(name)                 \
    void name(void *reference) {      \
        RUNTIME(name)                 \
        given_up(reference, 1);       \
        runtime(reference);           \
    }
#define RELEASE_MANY(name)                            \
    void name(void *reference, uint32_t count) {      \
        RUNTIME(name)                                 \
        given_up(reference, count);                   \
        runtime(reference, count);                    \
    }
#define IS_UNIQUE(name)                               \
    bool name(void *object) {                         \
        RUNTIME(name)                                 \
        bool is_unique = runtime(object);             \
        if (is_unique) __tsan_acquire(object);        \
        return is_unique;                             \
    }

RELEASE(swift_release)
RELEASE(swift_bridgeObjectRelease)
RELEASE_MANY(swift_release_n)
RELEASE_MANY(swift_bridgeObjectRelease_n)
IS_UNIQUE(swift_isUniquelyReferenced_native)
IS_UNIQUE(swift_isUniquelyReferenced_nonNull)
IS_UNIQUE(swift_isUniquelyReferenced_nonNull_native)

// Cancelled threads. The sanitizer ends the program where a thread is cancelled in the middle of what it watches. libfuse
// cancels its threads at the end of a session, while they wait for the kernel: here a signal ends the wait, and they
// leave by themselves.

int __interceptor_pthread_join(pthread_t thread, void **result);

static _Thread_local pthread_t cancelled[64];
static _Thread_local size_t cancelled_count;

static void wake(int number) { (void)number; }

__attribute__((constructor)) static void handle_waking(void) {
    struct sigaction action = {.sa_handler = wake};
    sigaction(SIGURG, &action, NULL);
}

int pthread_cancel(pthread_t thread) {
    if (cancelled_count == sizeof cancelled / sizeof *cancelled) abort();
    cancelled[cancelled_count++] = thread;
    return 0;
}

int pthread_join(pthread_t thread, void **result) {
    for (size_t place = 0; place < cancelled_count; place++) {
        if (!pthread_equal(cancelled[place], thread)) continue;
        cancelled[place] = cancelled[--cancelled_count];
        int outcome;
        while ((outcome = pthread_tryjoin_np(thread, result)) == EBUSY) {
            pthread_kill(thread, SIGURG);
            usleep(1000);
        }
        return outcome;
    }
    return __interceptor_pthread_join(thread, result);
}
