/* sum(tanh(2x + 1) * exp(-x * x)) and its gradient as one loop each over SLEEF's functions of eight or four numbers,
 * for one type: what a person writes who knows the formula. The includer defines REAL, NAME(x), VECTOR, WIDTH, TANH and
 * EXP of a vector. The gradient is written to memory that is used again. */

typedef struct {
    int64_t count; /* a multiple of WIDTH, or the rest is in the last, padded vector */
    const REAL *x;
    REAL *g;
    double value;
} NAME(fused);

/* The sum in blocks, so that float32 keeps its digits. */
static inline void NAME(block)(const REAL *x, REAL *g, int64_t count, double *value)
{
    VECTOR sum = { 0 };
    int64_t i = 0;
    for (; i < count; i += WIDTH) {
        VECTOR v = { 0 };
        const int64_t here = count - i < WIDTH ? count - i : WIDTH;
        if (here == WIDTH)
            memcpy(&v, x + i, sizeof v);
        else
            memcpy(&v, x + i, (size_t)here * sizeof(REAL));
        VECTOR t = TANH(v * 2 + 1), e = EXP(-v * v), y = t * e;
        if (g) {
            VECTOR d = (1 - t * t) * 2 * e - y * v * 2;
            memcpy(g + i, &d, (size_t)here * sizeof(REAL));
        }
        for (int64_t k = here; k < WIDTH; k++)
            y[k] = 0;
        sum += y;
    }
    for (int k = 0; k < WIDTH; k++)
        *value += (double)sum[k];
}

static void NAME(pass)(NAME(fused) *f, bool with_gradient)
{
    enum { BLOCK = 4096 };
    f->value = 0;
    for (int64_t i = 0; i < f->count; i += BLOCK)
        NAME(block)(f->x + i, with_gradient ? f->g + i : NULL, f->count - i < BLOCK ? f->count - i : BLOCK, &f->value);
}

static void NAME(run_value)(void *context)
{
    NAME(pass)(context, false);
}

static void NAME(run_gradient)(void *context)
{
    NAME(pass)(context, true);
}

static bench_sum NAME(sum_of_value)(void *context)
{
    NAME(pass)(context, false);
    return (bench_sum){ ((NAME(fused) *)context)->value, (double)((NAME(fused) *)context)->count };
}

static bench_sum NAME(sum_of_gradient)(void *context)
{
    NAME(pass)(context, true);
    return SUM(((NAME(fused) *)context)->g, ((NAME(fused) *)context)->count);
}

static void NAME(measure)(bench *b, const char *name, ad_array *x, double tolerance)
{
    char row[100];
    NAME(fused) f = { .count = ad_size(x), .x = ad_data(x), .g = malloc((size_t)ad_size(x) * sizeof(REAL)) };
    if (!f.g)
        exit(EXIT_FAILURE);
    bench_call value = { .f = value_of_chain, .x = x }, gradient = { .f = gradient_of_chain, .x = x };
    snprintf(row, sizeof row, "%s, value", name);
    bench_piece values[] = { BENCH_LIBAD(&value), { .who = "fused C over SLEEF", .run = NAME(run_value), .sum = NAME(sum_of_value), .context = &f } };
    bench_compare(b, row, tolerance, values, 2);
    snprintf(row, sizeof row, "%s, gradient", name);
    bench_piece gradients[] = { BENCH_LIBAD(&gradient),
                                { .who = "fused C over SLEEF", .run = NAME(run_gradient), .sum = NAME(sum_of_gradient), .context = &f,
                                  .aim = f.count >= 1000 && f.count <= 10000 ? 2 : 0 } };
    bench_compare(b, row, tolerance, gradients, 2);
    free(f.g);
}

#undef REAL
#undef NAME
#undef VECTOR
#undef WIDTH
#undef TANH
#undef EXP
#undef SUM
