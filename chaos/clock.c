/*
 * Loaded before everything else into a process, this shifts the wall clock that it reads by the
 * number of nanoseconds that stands in the file named by CHAOS_CLOCK_FILE. The file is mapped, so
 * one write of eight bytes moves the clock of all processes at once.
 *
 * Only the wall clock moves. Monotonic clocks and sleeps stay true, and so do waits that take an
 * instant of the wall clock: the kernel would compare it with the clock that was not moved.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static volatile int64_t none = 0;
static volatile int64_t *shift = &none;
static int (*true_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void)
{
    true_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("CHAOS_CLOCK_FILE");
    if (path == NULL)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        shift = mapped;
}

static struct timespec moved(struct timespec instant, int64_t by)
{
    int64_t whole = (int64_t)instant.tv_sec * SECOND + instant.tv_nsec + by;
    return (struct timespec){.tv_sec = whole / SECOND, .tv_nsec = whole % SECOND};
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (true_gettime == NULL)
        true_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = true_gettime(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *now = moved(*now, *shift);
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec instant;
    if (clock_gettime(CLOCK_REALTIME, &instant) != 0)
        return -1;
    now->tv_sec = instant.tv_sec;
    now->tv_usec = instant.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec instant;
    clock_gettime(CLOCK_REALTIME, &instant);
    if (where != NULL)
        *where = instant.tv_sec;
    return instant.tv_sec;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static int (*true_wait)(sem_t *, const struct timespec *);
    if (true_wait == NULL)
        true_wait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec back = moved(*until, -*shift);
    return true_wait(semaphore, &back);
}
