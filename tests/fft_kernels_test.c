/* Fourier transforms of every instruction set that this processor has: the same bits from each, for one sequence and
 * for many at once. A test of internals. */
#include "kernels/fft/fft.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>

extern const struct ad_ffts ad_ffts_baseline;
#ifdef __x86_64__
extern const struct ad_ffts ad_ffts_avx2, ad_ffts_avx512;
#endif

/* Those that run here; gives their number. */
static int instruction_sets(const struct ad_ffts *sets[3])
{
    int count = 0;
    sets[count++] = &ad_ffts_baseline;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &ad_ffts_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        sets[count++] = &ad_ffts_avx512;
#endif
    return count;
}

enum { SEQUENCES = 19, MOST = 5000, REALS = 2 * (MOST + 2) };

static double in[SEQUENCES * REALS], out[4][SEQUENCES * REALS];

/* All sequences, REALS numbers of the dtype from each other, into `result`. */
static void transform(const struct ad_ffts *set, ad_fft_kind kind, ad_dtype dtype, int64_t n, bool inverse, bool many, void *result)
{
    struct ad_fft *plan = set->make(kind, dtype, n, inverse, many);
    ck_assert_ptr_nonnull(plan);
    size_t item = dtype == AD_F64 ? sizeof(double) : sizeof(float);
    bool takes_pairs = kind == AD_FFT_COMPLEX || (kind == AD_FFT_REAL && inverse), gives_pairs = kind == AD_FFT_COMPLEX || kind == AD_FFT_FULL || (kind == AD_FFT_REAL && !inverse);
    char *scratch = malloc(plan->scratch + 1);
    for (int64_t i = 0; i < SEQUENCES; i += plan->lanes) {
        int64_t count = SEQUENCES - i < plan->lanes ? SEQUENCES - i : plan->lanes;
        struct ad_fft_memory memory = { (const char *)in + (size_t)i * REALS * item, (char *)result + (size_t)i * REALS * item, 1, REALS / (takes_pairs ? 2 : 1), 1,
                                        REALS / (gives_pairs ? 2 : 1), count };
        set->run(plan, 0.75, 1.5, &memory, scratch);
    }
    free(scratch);
    set->drop(plan);
}

START_TEST(every_instruction_set_gives_the_same_bits_to_one_sequence_and_to_many)
{
    static const int64_t lengths[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 25, 30, 49, 64, 97, 100, 101, 127, 128, 199, 202, 211, 360, 512, 720, 1000, 1001, 1009, 2187, 4096, 5000 };
    const struct ad_ffts *sets[3];
    int count = instruction_sets(sets);
    for (int k = 0; k < (int)(sizeof lengths / sizeof *lengths); k++)
        for (int variant = 0; variant < 16; variant++) {
            ad_fft_kind kind = (ad_fft_kind)(variant / 4);
            ad_dtype dtype = variant % 2 ? AD_F32 : AD_F64;
            bool inverse = variant / 2 % 2;
            for (int i = 0; i < SEQUENCES * REALS; i++) {
                double x = (i * 7919L % 10007) / 10007.0 - 0.5;
                if (dtype == AD_F64)
                    in[i] = x;
                else
                    ((float *)in)[i] = (float)x;
            }
            memset(out, 0, sizeof out);
            transform(sets[0], kind, dtype, lengths[k], inverse, false, out[0]);
            for (int s = 0; s < count; s++)
                for (int many = 0; many < 2; many++) {
                    memset(out[1], 0, sizeof out[1]);
                    transform(sets[s], kind, dtype, lengths[k], inverse, many, out[1]);
                    ck_assert_msg(memcmp(out[0], out[1], sizeof out[0]) == 0, "n = %d, kind %d, %s, %s, set %d, %s", (int)lengths[k], (int)kind, inverse ? "back" : "forth",
                                  dtype == AD_F64 ? "float64" : "float32", s, many ? "many" : "one");
                }
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fft_kernels");
    TCase *tests = tcase_create("fft_kernels");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_instruction_set_gives_the_same_bits_to_one_sequence_and_to_many);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
