/* Preloaded under a service: file operations on its store fail or wait as a control file says.

   The control file is struct control, mapped shared, so that a test changes it while the service
   runs. Only files whose name contains `pdp.db` are touched; everything else works as ever. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITES = 1, SYNCS = 2, TRUNCATES = 4, OPENS = 8 };

struct control {
    volatile int32_t kinds;    /* which operations fail or wait */
    volatile int32_t error;    /* errno of those that fail; 0: they only wait */
    volatile int32_t skip;     /* so many of them succeed first */
    volatile int32_t count;    /* then so many fail; negative: all */
    volatile int32_t delay_ms; /* how long each of them waits first */
    volatile int32_t failed;   /* so many have failed */
    volatile int32_t after;    /* not 0: the operation is done, and then reported as failed */
};

static struct control *control;

__attribute__((constructor)) static void open_control(void) {
    const char *path = getenv("IO_FAULTS_CONTROL");
    if (path == NULL) return;
    int (*really_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int descriptor = really_open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped != MAP_FAILED) control = mapped;
    close(descriptor);
}

static int is_store(const char *path) { return strstr(path, "pdp.db") != NULL; }

static int of_store(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_store(path);
}

/* Whether this operation is one that fails. */
static int fails(int kind) {
    if (!(control->kinds & kind)) return 0;
    if (control->delay_ms) {
        struct timespec wait = {control->delay_ms / 1000, control->delay_ms % 1000 * 1000000L};
        nanosleep(&wait, NULL);
    }
    if (!control->error) return 0;
    if (control->skip > 0) {
        control->skip--;
        return 0;
    }
    if (control->count == 0) return 0;
    if (control->count > 0) control->count--;
    control->failed++;
    return 1;
}

#define GUARDED(result, name, kind, parameters, arguments)                        \
    result name parameters {                                                      \
        static result(*really) parameters;                                        \
        if (really == NULL) really = (result(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (control != NULL && (control->kinds & (kind)) && of_store(descriptor) && fails(kind)) { \
            int error = control->error;                                           \
            if (control->after) (void)really arguments;                           \
            errno = error;                                                        \
            return -1;                                                            \
        }                                                                         \
        return really arguments;                                                  \
    }

GUARDED(ssize_t, write, WRITES, (int descriptor, const void *from, size_t size),
        (descriptor, from, size))
GUARDED(ssize_t, pwrite, WRITES, (int descriptor, const void *from, size_t size, off_t at),
        (descriptor, from, size, at))
GUARDED(ssize_t, pwrite64, WRITES, (int descriptor, const void *from, size_t size, off64_t at),
        (descriptor, from, size, at))
GUARDED(int, fsync, SYNCS, (int descriptor), (descriptor))
GUARDED(int, fdatasync, SYNCS, (int descriptor), (descriptor))
GUARDED(int, ftruncate, TRUNCATES, (int descriptor, off_t size), (descriptor, size))
GUARDED(int, ftruncate64, TRUNCATES, (int descriptor, off64_t size), (descriptor, size))

#define GUARDED_OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                                  \
        static int (*really)(const char *, int, ...);                             \
        if (really == NULL) really = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        mode_t mode = 0;                                                          \
        if (flags & (O_CREAT | O_TMPFILE)) {                                      \
            va_list more;                                                         \
            va_start(more, flags);                                                \
            mode = va_arg(more, mode_t);                                          \
            va_end(more);                                                         \
        }                                                                         \
        int writes = (flags & O_ACCMODE) != O_RDONLY;                             \
        if (control != NULL && writes && (control->kinds & OPENS) && is_store(path) && \
            fails(OPENS)) {                                                       \
            errno = control->error;                                               \
            return -1;                                                            \
        }                                                                         \
        return really(path, flags, mode);                                         \
    }

GUARDED_OPEN(open)
GUARDED_OPEN(open64)
