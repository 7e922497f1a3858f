/* The information buffer: keeps the digits that multiplying velocities by beta <= 1 would lose.
 *
 * hyper_momentum_multiply and hyper_momentum_divide are exact inverses of each other when calls are undone
 * in reverse order with the same count, numerators and stride. The net growth is log2(1/beta) bits per element.
 * Both return HYPER_FINE, or the index of an element at which they failed; the reason is then
 * hyper_bit_buffer_failure, and neither velocities nor buffer are of further use: clear it and begin again. */
#ifndef HYPER_BIT_BUFFER_H
#define HYPER_BIT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hyper_bit_buffer hyper_bit_buffer;

typedef enum {
    HYPER_BUFFER_FINE = 0,
    HYPER_BUFFER_NO_MEMORY,
    HYPER_BUFFER_IO,              /* the spill file could not be written or read */
    HYPER_BUFFER_MISMATCH         /* divide was given velocities that multiply cannot have returned, or more of them */
} hyper_buffer_failure;

/* An empty buffer; NULL if there is no memory or the spill file has no position.
 * spill: NULL, or open for update ("w+b"), used from its present position on, never closed here.
 * memory_limit: bytes of words kept in memory when there is a spill file; 0: 64 MiB. */
hyper_bit_buffer *hyper_bit_buffer_new(FILE *spill, size_t memory_limit);
void hyper_bit_buffer_free(hyper_bit_buffer *buffer);

/* Empties it, whatever happened before. */
void hyper_bit_buffer_clear(hyper_bit_buffer *buffer);

/* v = floor(v / 2^16) numerator + u with the remainder of v put into the buffer and 0 <= u < numerator taken from it:
 * v times beta with an error below 2^-36. Cannot overflow. Elements with beta = 1 are left alone.
 * Numerators are in 1..2^16. */
int64_t hyper_momentum_multiply(hyper_bit_buffer *buffer, int64_t count, int64_t *v, const uint32_t *numerator, int64_t stride);

/* The inverse. */
int64_t hyper_momentum_divide(hyper_bit_buffer *buffer, int64_t count, int64_t *v, const uint32_t *numerator, int64_t stride);

/* Why the last multiply or divide failed. */
hyper_buffer_failure hyper_bit_buffer_failure(const hyper_bit_buffer *buffer);

/* Whether the buffer is in the very state in which hyper_bit_buffer_new returned it: everything was undone. */
bool hyper_bit_buffer_is_empty(const hyper_bit_buffer *buffer);

/* Information held, in bits; 0 for an empty buffer. */
double hyper_bit_buffer_bits(const hyper_bit_buffer *buffer);

/* The most bytes the buffer has held since it was made, in memory and in the file. */
int64_t hyper_bit_buffer_peak_bytes(const hyper_bit_buffer *buffer);

#endif
