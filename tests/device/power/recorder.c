/* Loaded before the C library (LD_PRELOAD): writes down, in order, everything that the process does to files below the directory
 * RECORD_BELOW, into the file RECORD_INTO. A record is one byte for the kind, then path length, offset and length as 64-bit
 * integers, then the path and the bytes:
 *   w write   t truncate (offset is the new size)   s fsync or fdatasync   u unlink   r rename (bytes are the new path)
 * What is done to memory-mapped files is not seen; SQLite maps only its -shm, which it makes anew after a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int into = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void record(char kind, const char *path, int64_t offset, const void *bytes, int64_t length) {
    static __typeof__(&write) real_write;
    const char *below = getenv("RECORD_BELOW");
    if (!below || strncmp(path, below, strlen(below)) != 0) return;
    pthread_mutex_lock(&one_at_a_time);
    if (!real_write) real_write = REAL(write);
    if (into < 0) into = open(getenv("RECORD_INTO"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int64_t head[3] = {(int64_t)strlen(path), offset, length};
    if (real_write(into, &kind, 1) != 1 || real_write(into, head, sizeof head) != sizeof head ||
        real_write(into, path, head[0]) != head[0] || (length && real_write(into, bytes, length) != length))
        abort();
    pthread_mutex_unlock(&one_at_a_time);
}

static void record_of(char kind, int descriptor, int64_t offset, const void *bytes, int64_t length) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return;
    path[size] = 0;
    record(kind, path, offset, bytes, length);
}

/* Recorded before it is done: the cut at a record means that nothing of it was done yet. */

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    record_of('w', fd, offset, bytes, length);
    return REAL(pwrite)(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    record_of('w', fd, offset, bytes, length);
    return REAL(pwrite64)(fd, bytes, length, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    record_of('w', fd, lseek(fd, 0, SEEK_CUR), bytes, length);
    return REAL(write)(fd, bytes, length);
}

int ftruncate(int fd, off_t size) {
    record_of('t', fd, size, NULL, 0);
    return REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    record_of('t', fd, size, NULL, 0);
    return REAL(ftruncate64)(fd, size);
}

int fsync(int fd) {
    record_of('s', fd, 0, NULL, 0);
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    record_of('s', fd, 0, NULL, 0);
    return REAL(fdatasync)(fd);
}

int unlink(const char *path) {
    record('u', path, 0, NULL, 0);
    return REAL(unlink)(path);
}

int rename(const char *path, const char *other) {
    record('r', path, 0, other, strlen(other));
    return REAL(rename)(path, other);
}
