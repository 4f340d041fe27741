/* A library that stands before the C library's in a process of ours, and makes its disk refuse and its clock jump on order.

   The orders stand in a file named by the process id in the directory that PANIER_TROUBLE names; see trouble.py. Standard error
   and standard output are left in peace: under systemd they are sockets, not files. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders {
    volatile int32_t write_errno; /* of every write to a regular file; 0 is none */
    volatile int32_t fsync_errno;
    volatile int64_t clock_ns; /* added to the time of day */
    volatile int64_t refused;  /* how often a call was refused */
};

static struct orders none;
static struct orders *orders = &none;

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv("PANIER_TROUBLE");
    char path[4096];
    if (!directory || snprintf(path, sizeof path, "%s/%d", directory, (int)getpid()) >= (int)sizeof path)
        return;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (ftruncate(file, sizeof none) == 0) {
        void *mapped = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED)
            orders = mapped;
    }
    close(file);
}

static int refuses(int file, int error) {
    struct stat found;
    if (!error || file <= 2 || fstat(file, &found) || !S_ISREG(found.st_mode))
        return 0;
    __sync_fetch_and_add(&orders->refused, 1);
    errno = error;
    return 1;
}

#define WRITES(name, declared, given)                                                                                            \
    ssize_t name declared {                                                                                                      \
        static ssize_t(*real) declared;                                                                                          \
        if (!real)                                                                                                               \
            real = (ssize_t(*) declared)dlsym(RTLD_NEXT, #name);                                                                 \
        return refuses(file, orders->write_errno) ? -1 : real given;                                                             \
    }
WRITES(write, (int file, const void *data, size_t size), (file, data, size))
WRITES(pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
WRITES(pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
WRITES(writev, (int file, const struct iovec *parts, int count), (file, parts, count))

#define SYNCS(name)                                                                                                              \
    int name(int file) {                                                                                                         \
        static int (*real)(int);                                                                                                 \
        if (!real)                                                                                                               \
            real = (int (*)(int))dlsym(RTLD_NEXT, #name);                                                                        \
        return refuses(file, orders->fsync_errno) ? -1 : real(file);                                                             \
    }
SYNCS(fsync)
SYNCS(fdatasync)

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (status == 0 && orders->clock_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t nanoseconds = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + orders->clock_ns;
        now->tv_sec = nanoseconds / 1000000000;
        now->tv_nsec = nanoseconds % 1000000000;
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (now && clock_gettime(CLOCK_REALTIME, &exact) == 0) {
        now->tv_sec = exact.tv_sec;
        now->tv_usec = exact.tv_nsec / 1000;
    }
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact))
        return (time_t)-1;
    if (kept)
        *kept = exact.tv_sec;
    return exact.tv_sec;
}
