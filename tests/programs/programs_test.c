/* Random programs: their derivatives to the third order, in every nesting of the two modes, agree with each other and
 * with differences.
 *
 * programs_test             a thousand fixed seeds programs_test FIRST [COUNT]   those from FIRST on
 *
 * Each is recorded too, with its derivatives, and the record replayed at another argument, where it gives the bits that
 * the program gives.
 *
 * What fails is made smaller as long as it fails, and printed as a C program. Every check runs in a process of its own,
 * which may crash. */
#define _GNU_SOURCE
#include "program.h"
#include "../recording.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 1000, MOST_ORDER = 3, MOST_ELEMENTS = 40, MOST_TRIES = 200, MOST_FAILURES = 5 };

/* Shared with the processes that check. */
struct report {
    struct program program;
    char text[1000];
};
static struct report *report;

static bool fails(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool fails(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- making ---- */

/* splitmix64 of Steele, Lea and Flood (2014). */
static uint64_t random_state;
static uint64_t random_bits(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int random_below(int n)
{
    return (int)(random_bits() % (uint64_t)n);
}

/* Small enough, and numbers that are neither large nor complex. */
static bool is_acceptable(ad_array *x)
{
    if (!x || ad_size(x) == 0 || ad_size(x) > MOST_ELEMENTS || ad_ndim(x) > 4 || ad_dtype_of(x) == AD_C128)
        return false;
    double largest = ad_item(ad_max(ad_abs(ad_astype(x, AD_F64))));
    return largest <= 20; /* not NaN either */
}

static bool make_block(struct program *program, int number, ad_array **slots, int *visible, int count, int depth);

/* A random step that gives something acceptable; its value goes into the slot. */
static bool make_step(struct program *program, struct step *step, int slot, ad_array **slots, int *visible, int count, int depth)
{
    struct program before = *program;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        *program = before;
        *step = (struct step){ .n = (random_below(33) - 16) / 8.0, .k = random_below(5) - 2 };
        for (int i = 0; i < 3; i++) {
            int recent = count - 1 - random_below(count < 4 ? count : 4);
            step->operand[i] = visible[random_below(4) ? recent : random_below(count)];
        }
        if (depth < 2 && program->blocks < MOST_BLOCKS && program->slots + MOST_STEPS + 1 < MOST_SLOTS && random_below(4) == 0) {
            step->call = (enum call)(1 + random_below(CALL_COUNT - 1));
            step->block = program->blocks++;
            int inner[MOST_SLOTS];
            memcpy(inner, visible, (size_t)count * sizeof *inner);
            struct block *block = &program->block[step->block];
            block->argument = program->slots++;
            slots[block->argument] = slots[step->operand[0]];
            inner[count] = block->argument;
            if (!make_block(program, step->block, slots, inner, count + 1, depth + 1))
                continue;
        } else {
            step->operation = random_below(operation_count);
        }
        slots[slot] = apply_step(program, step, slots);
        if (is_acceptable(slots[slot]))
            return true;
        ad_clear_error();
    }
    *program = before;
    return false;
}

static bool make_block(struct program *program, int number, ad_array **slots, int *visible, int count, int depth)
{
    struct block *block = &program->block[number];
    int wanted = depth == 0 ? 3 + random_below(7) : 1 + random_below(4);
    block->first = program->slots;
    block->count = 0;
    program->slots += wanted;
    for (int i = 0; i < wanted; i++) {
        if (!make_step(program, &block->steps[i], block->first + i, slots, visible, count, depth))
            return false;
        block->count = i + 1;
        visible[count++] = block->first + i;
    }
    block->result = block->first + wanted - 1;
    return true;
}

static bool make_program(struct program *program, uint64_t seed)
{
    static const int64_t dims[][3] = { { 0 }, { 1, 3 }, { 2, 2, 2 }, { 2, 2, 3 }, { 1, 4 }, { 2, 3, 3 } };
    random_state = seed;
    do {
        *program = (struct program){ .seed = seed, .blocks = 1, .slots = FIRST_FREE };
        const int64_t *shape = dims[random_below((int)(sizeof dims / sizeof *dims))];
        program->shape.ndim = (int)shape[0];
        memcpy(program->shape.dim, shape + 1, 2 * sizeof *shape);
        AD_SCOPE;
        ad_array *slots[MOST_SLOTS] = { program_argument(program) };
        program_constants(slots);
        int visible[MOST_SLOTS];
        for (int i = 0; i < FIRST_FREE; i++)
            visible[i] = (i + 1) % FIRST_FREE; /* the argument is the most recent */
        if (make_block(program, 0, slots, visible, FIRST_FREE, 0)) {
            program_forget_closures();
            return true;
        }
    } while (random_below(1000) > 0);
    return false;
}

/* ---- checking ---- */

/* The derivative of some order along v; bit k of modes: the k-th differentiation from outside is forward. */
struct derivative {
    const struct program *program;
    int order;
    unsigned modes;
    ad_array *v;
};

static ad_array *derivative_at(ad_array *x, void *context)
{
    const struct derivative *d = context;
    if (d->order == 0)
        return program_value(x, (void *)d->program);
    struct derivative inner = { d->program, d->order - 1, d->modes >> 1, d->v };
    if (d->modes & 1) {
        ad_array *tangent;
        return ad_jvp(derivative_at, x, (void *)&inner, d->v, &tangent) ? tangent : NULL;
    }
    return ad_sum(ad_mul(ad_grad(derivative_at)(x, &inner), d->v));
}

static double derivative(const struct program *program, int order, unsigned modes, ad_array *x, ad_array *v)
{
    AD_SCOPE;
    struct derivative d = { program, order, modes, v };
    double value = ad_item(derivative_at(x, &d));
    program_forget_closures();
    return value;
}

static bool is_near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * (1 + fmax(fabs(a), fabs(b)));
}

/* Float32 in between costs digits. */
static bool is_coarse(const struct program *program)
{
    for (int i = 0; i < program->blocks; i++)
        for (int k = 0; k < program->block[i].count; k++) {
            const struct step *step = &program->block[i].steps[k];
            if (step->call == CALL_NONE && strstr(operations[step->operation].text, "AD_F32"))
                return true;
        }
    return false;
}

/* Central differences of the derivative of the order below, along v, extrapolated (Richardson 1911). */
static double difference(const struct program *program, int order, ad_array *x, ad_array *v, double h)
{
    AD_SCOPE;
    unsigned forward = ~0u;
    double values[4];
    const double places[] = { -2, -1, 1, 2 };
    for (int i = 0; i < 4; i++)
        values[i] = derivative(program, order - 1, forward, ad_add(x, ad_mul(v, places[i] * h)), v);
    return (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h);
}

/* Whether the differences converge to something else. Where they do not converge, there is an edge nearby. */
static bool differences_refuse(const struct program *program, int order, ad_array *x, ad_array *v, double value)
{
    double last = NAN;
    for (double h = 4e-3; h > 2e-5; h /= 4) {
        double now = difference(program, order, x, v, h);
        if (is_near(now, value, 1e-5))
            return false;
        if (is_near(now, last, 1e-6) && !is_near(now, value, 1e-3))
            return !fails("order %d: %.12g, by differences %.12g", order, value, now);
        last = now;
    }
    return false;
}

static bool check_program(const struct program *program)
{
    AD_SCOPE;
    ad_array *x = program_argument(program), *v = program_direction(program);
    if (!isfinite(derivative(program, 0, 0, x, v)))
        return true; /* a program that was made smaller and does not run any more */
    for (int order = 1; order <= MOST_ORDER; order++) {
        double first = 0;
        for (unsigned modes = 0; modes < 1u << order; modes++) {
            double value = derivative(program, order, modes, x, v);
            if (ad_failed() && strstr(ad_error_message(), "ad_fixed_point: more than"))
                return true; /* each order of a fixed point adds arguments, of which a function has a limited number */
            if (ad_failed())
                return fails("order %d, modes %u: %s", order, modes, ad_error_message());
            if (fabs(value) > 1e8)
                return true; /* nothing can be said of its digits */
            if (modes == 0)
                first = value;
            if (!is_near(value, first, is_coarse(program) ? 1e-3 : 1e-8))
                return fails("order %d: %.12g in reverse mode, %.12g with modes %u", order, first, value, modes);
        }
        if (!is_coarse(program) && differences_refuse(program, order, x, v, first))
            return false;
    }
    return true;
}

static bool looks_at_values(const struct program *program)
{
    for (int i = 0; i < program->blocks; i++)
        for (int k = 0; k < program->block[i].count; k++)
            if (program->block[i].steps[k].call == CALL_FIXED_POINT)
                return true;
    return false;
}

/* Whether the derivative at x, recorded, gives at other what it is there. */
static bool check_replay(const struct program *program, int order, unsigned modes, ad_array *x, ad_array *other, ad_array *v)
{
    struct derivative d = { program, order, modes, v };
    struct recording recording = { 0 };
    ad_on_call(record_call, &recording);
    ad_array *recorded = derivative_at(x, &d);
    ad_on_call(NULL, NULL);
    ad_array *wanted = recorded ? derivative_at(other, &d) : NULL;
    recording_replace(&recording, x, other);
    bool done = wanted && recording_replay(&recording), same = !done || same_bits(recording_stands_for(&recording, recorded), wanted);
    if (!same)
        fails("order %d, modes %u: %.17g, replayed as %.17g", order, modes, ad_item(wanted), ad_item(recording_stands_for(&recording, recorded)));
    if (wanted && !done && !strstr(ad_error_message(), "ad_flatnonzero:")) /* a mask with another number of true elements */
        same = fails("order %d, modes %u, replayed: %s", order, modes, ad_error_message());
    ad_clear_error();
    recording_free(&recording);
    program_forget_closures();
    return same;
}

static bool check_replays(const struct program *program)
{
    AD_SCOPE;
    ad_array *x = program_argument(program), *v = program_direction(program), *other = ad_add(ad_mul(x, -0.8), ad_mul(v, 0.3));
    for (int order = 0; order < MOST_ORDER && !looks_at_values(program); order++)
        for (unsigned modes = 0; modes < 1u << order; modes++)
            if (!check_replay(program, order, modes, x, other, v))
                return false;
    return true;
}

/* What the first run leaves may be room in a table; what each leaves is a leak. */
static bool check_memory(const struct program *program)
{
    int64_t live[3];
    for (int i = 0; i < 3; i++) {
        {
            AD_SCOPE;
            derivative(program, 2, 2, program_argument(program), program_direction(program));
        }
        ad_clear_error();
        ad_memory_usage usage;
        ad_memory_stats(&usage);
        live[i] = usage.live;
    }
    return live[2] <= live[1] || fails("%lld bytes stay", (long long)(live[2] - live[1]));
}

/* Whether it fails, in a process of its own. seed: made there first, if not 0. */
static bool is_failing(uint64_t seed)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (seed && !make_program(&report->program, seed))
            _exit(0);
        _exit(check_program(&report->program) && check_replays(&report->program) && check_memory(&report->program) ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        return !fails("signal %d", WTERMSIG(status));
    return WEXITSTATUS(status) != 0;
}

/* ---- making smaller ---- */

/* Every use of a slot becomes that of another one. */
static void replace(struct program *program, int slot, int other)
{
    for (int i = 0; i < program->blocks; i++) {
        struct block *block = &program->block[i];
        for (int k = 0; k < block->count; k++)
            for (int o = 0; o < 3; o++)
                if (block->steps[k].operand[o] == slot)
                    block->steps[k].operand[o] = other;
        if (block->result == slot)
            block->result = other;
    }
}

/* Takes steps away that nothing uses. */
static bool drop_unused(struct program *program)
{
    bool used[MOST_SLOTS] = { false }, changed = false;
    for (int i = 0; i < program->blocks; i++) {
        const struct block *block = &program->block[i];
        used[block->result] = true;
        for (int k = 0; k < block->count; k++)
            for (int o = 0; o < 3 && block->steps[k].call != CALL_DROPPED; o++)
                used[block->steps[k].operand[o]] = true;
    }
    for (int i = 0; i < program->blocks; i++) {
        struct block *block = &program->block[i];
        for (int k = 0; k < block->count; k++)
            if (!used[block->first + k] && block->steps[k].call != CALL_DROPPED) {
                block->steps[k].call = CALL_DROPPED;
                changed = true;
            }
    }
    return changed;
}

static bool keep_if_failing(struct program *program, const struct program *tried)
{
    report->program = *tried;
    if (!is_failing(0))
        return false;
    *program = *tried;
    return true;
}

/* One simplification that still fails. */
static bool simplify(struct program *program)
{
    struct program tried = *program;
    if (drop_unused(&tried) && keep_if_failing(program, &tried))
        return true;
    for (int i = program->blocks - 1; i >= 0; i--) {
        const struct block *block = &program->block[i];
        for (int k = block->count - 1; k >= 0; k--) {
            const struct step *step = &block->steps[k];
            int slot = block->first + k;
            if (step->call == CALL_DROPPED)
                continue;
            int others[] = { 0, block->argument, step->operand[0], step->operand[1], step->operand[2] };
            for (size_t o = 0; o < sizeof others / sizeof *others; o++) {
                tried = *program;
                replace(&tried, slot, others[o]);
                if (memcmp(&tried, program, sizeof tried) != 0 && keep_if_failing(program, &tried))
                    return true;
            }
            tried = *program;
            tried.block[i].steps[k].call = CALL_DROPPED;
            if (keep_if_failing(program, &tried))
                return true;
            tried = *program;
            if (step->call > CALL_PLAIN) {
                tried.block[i].steps[k].call = CALL_PLAIN;
                if (keep_if_failing(program, &tried))
                    return true;
            }
            for (int o = 0; o < 3; o++) {
                tried = *program;
                tried.block[i].steps[k].operand[o] = 0;
                if (step->operand[o] != 0 && keep_if_failing(program, &tried))
                    return true;
            }
            tried = *program;
            tried.block[i].steps[k].n = 1;
            tried.block[i].steps[k].k = 1;
            if ((step->n != 1 || step->k != 1) && keep_if_failing(program, &tried))
                return true;
        }
    }
    return false;
}

static void show_smallest(uint64_t seed)
{
    printf("# seed %llu: %s\n", (unsigned long long)seed, report->text);
    fflush(stdout);
    struct program program = report->program;
    for (int i = 0; i < 300 && simplify(&program); i++)
        ;
    report->program = program;
    is_failing(0);
    printf("/* %s */\n", report->text);
    program_print(stdout, &program);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int count = argc > 2 ? atoi(argv[2]) : argc > 1 ? 1 : SEEDS, failures = 0;
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED)
        return 1;
    for (int i = 0; i < count && failures < MOST_FAILURES; i++)
        if (is_failing(first + (uint64_t)i)) {
            failures++;
            show_smallest(first + (uint64_t)i);
        }
    printf("1..1\n%s 1 - %d random programs, %d failures\n", failures ? "not ok" : "ok", count, failures);
    return failures != 0;
}
