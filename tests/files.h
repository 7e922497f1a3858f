/* Reading back what a test has written. */
#ifndef FILES_H
#define FILES_H

#include "testing.h"
#include <stdio.h>

/* The first bytes of a file, as many as there is room for; gives their number. */
static size_t contents(const char *path, void *out, size_t room)
{
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    size_t length = fread(out, 1, room, stream);
    fclose(stream);
    return length;
}

#endif
