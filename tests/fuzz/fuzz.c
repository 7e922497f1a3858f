/* Where the bytes of a fuzz target come from, and what holds after each of them: no error stays, no memory stays. */
#define _GNU_SOURCE
#include "fuzz.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_MEMORY = 64 << 20 };

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not true: %s (%s)\n", file, line, what, ad_error_message());
    abort();
}

static int64_t live_after(struct bytes input)
{
    {
        AD_SCOPE;
        fuzz_input(input);
    }
    ad_clear_error();
    ad_memory_trim(); /* freed memory that is kept for later hides uses of it, and looks lost to a sanitizer */
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    return usage.live;
}

/* What an input leaves the first time may be room in a table; what it leaves every time is a leak. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t before;
    ad_memory_limit(MOST_MEMORY);
    struct bytes input = { data, size };
    int64_t live = live_after(input);
    if (live > before)
        REQUIRE(live_after(input) <= live);
    before = live;
    return 0;
}

const char *file_of(struct bytes content)
{
    static int descriptor = -1;
    static char name[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", 0);
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    }
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, content.data, content.size, 0) != (ssize_t)content.size)
        abort();
    return name;
}

static char written[96];

static void remove_written(void)
{
    unlink(written);
}

const char *file_to_write(const char *suffix)
{
    if (!written[0]) {
        snprintf(written, sizeof written, "%s/libad-fuzz-%ld%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid(), suffix);
        atexit(remove_written);
    }
    return written;
}

#ifndef AD_LIBFUZZER
static void run_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    if (!stream || fseek(stream, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)ftell(stream);
    rewind(stream);
    uint8_t *data = malloc(size + 1);
    REQUIRE(fread(data, 1, size, stream) == size);
    fclose(stream);
    LLVMFuzzerTestOneInput(data, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

/* Runs the files in a folder. */
int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        run_file(path);
        count++;
    }
    closedir(folder);
    printf("%d inputs\n", count);
    return count == 0;
}
#endif
