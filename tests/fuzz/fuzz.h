/* What the fuzz targets share. A target is one file that defines fuzz_input: it makes something of any bytes and breaks
 * nothing.
 *
 * With libFuzzer (meson setup -Dfuzz=true, clang) the bytes come from it. Without, the program runs the files that it
 * is given, as the test suite does with those in corpus/. A fault that was found is a file there. */
#ifndef AD_FUZZ_H
#define AD_FUZZ_H

#include <ad/ad.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of which the first are taken one by one; 0 when there are none left. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/* Runs in a scope of its own, with no error recorded. */
void fuzz_input(struct bytes input);

static inline unsigned take_byte(struct bytes *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

/* The rest as a string, which the caller frees. */
static inline char *rest_as_text(struct bytes input)
{
    char *text = malloc(input.size + 1);
    if (input.size > 0)
        memcpy(text, input.data, input.size);
    text[input.size] = 0;
    return text;
}

/* Says what is wrong and aborts: that is a fault of the library. */
void fuzz_fail(const char *file, int line, const char *what);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz_fail(__FILE__, __LINE__, #condition);                                                                 \
    } while (0)

/* A result, or an error with a sentence; never both and never neither. Forgets the error. */
#define REQUIRE_RESULT_OR_ERROR(result)                                                                                \
    do {                                                                                                               \
        REQUIRE(!(result) == ad_failed() && ad_failed() == (ad_error_message()[0] != 0));                              \
        ad_clear_error();                                                                                              \
    } while (0)

/* A file with these bytes; a file name good until the next call. */
const char *file_of(struct bytes content);

/* A name for a file to be written, which goes at exit. */
const char *file_to_write(const char *suffix);

#endif
