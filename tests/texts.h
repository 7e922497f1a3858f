/* Texts that functions write to streams, and what is in them. */
#ifndef AD_TESTS_TEXTS_H
#define AD_TESTS_TEXTS_H

#include "testing.h"
#include <stdio.h>

/* What `write` writes to a stream, which the caller frees. */
static inline char *text_of(bool (*write)(FILE *stream, void *argument), void *argument)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(stream);
    ck_assert_msg(write(stream, argument), "%s", ad_error_message());
    fclose(stream);
    return text;
}

static inline void assert_contains(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "\"%s\" is not in\n%s", part, text);
}

#endif
