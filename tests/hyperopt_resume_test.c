/* The checkpoint of hyper_optimize: killed at any moment an optimisation goes on to the same bits, and no other one
 * goes on from its file. */
#define _GNU_SOURCE /* for memmem */
#include "files.h"
#include "testing.h"
#include <hyperopt/hyperopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- files ---- */

static char folder[] = "hyperopt_resume_XXXXXX";

static void make_folder(void)
{
    ck_assert(mkdtemp(strcpy(folder, "hyperopt_resume_XXXXXX")) != NULL);
}

/* With what writers that were killed left behind. */
static void remove_folder(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* A path in the folder; good until the fourth call after. */
static const char *in_folder(const char *name)
{
    static char paths[4][100];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

static void assert_same_files(const char *a, const char *b)
{
    static char left[1 << 16], right[1 << 16];
    size_t count = contents(a, left, sizeof left);
    ck_assert(count < sizeof left);
    ck_assert_uint_eq(contents(b, right, sizeof right), count);
    ck_assert_mem_eq(left, right, count);
}

/* ---- a problem: rates, momenta and targets of a training run from a random start ---- */

static ad_array *training_loss(ad_tree *x, ad_tree *theta, int64_t iteration, void *context)
{
    (void)iteration, (void)context;
    return ad_sum(ad_square(ad_sub(ad_tree_get(x, "w"), ad_tree_get(theta, "0"))));
}

static const hyper_training training = { .loss = training_loss, .iterations = 5 };

static int calls;

static ad_array *meta_loss(ad_tree *hypers, ad_key key, void *context)
{
    (void)context;
    calls++;
    ad_tree *run = ad_tree_of("x", ad_tree_of("w", ad_random_normal(key, AD_SHAPE(3))), "alpha", ad_tree_get(hypers, "rates/alpha"), "beta",
                              ad_tree_get(hypers, "rates/beta"), "theta", ad_tree_sub(hypers, "targets"));
    ad_tree *end = hyper_sgd(&training, run);
    return end ? ad_sum(ad_square(ad_sub(ad_tree_get(end, "w"), VECTOR(1, 2, 3)))) : NULL;
}

static ad_tree *hypers(void)
{
    ad_array *alpha = ad_astype(ad_mul(0.1, ad_ones(AD_SHAPE(5))), AD_F32);
    return ad_tree_of("rates", ad_tree_of("alpha", alpha, "beta", 0.5), "targets", ad_list_of(VECTOR(0, 0, 0)), "n", 3);
}

enum { ALL = 24 };

static hyper_optimize_options options_of(const char *checkpoint)
{
    hyper_optimize_options options = HYPER_OPTIMIZE_DEFAULTS;
    options.iterations = ALL;
    options.key = ad_random_key(4);
    options.log = "rates/alpha";
    options.logit = "rates/beta";
    options.clip_norm = 3;
    options.checkpoint = checkpoint;
    return options;
}

/* ---- killed ---- */

static void sleep_for(double seconds)
{
    nanosleep(&(struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1) * 1e9) }, NULL);
}

static void optimise_in_a_child(const char *checkpoint, const char *result)
{
    ad_tree *found = hyper_optimize_with(meta_loss, hypers(), options_of(checkpoint));
    _exit(found && ad_savez(result, found) ? 0 : 1);
}

/* Starts it again and again, and kills it after a while each time, which grows; gives how often it was killed. */
static int optimise_and_kill(const char *checkpoint, const char *result, uint64_t seed)
{
    int kills = 0, status = -1;
    double longest = 0.02;
    while (true) {
        fflush(NULL);
        pid_t child = fork();
        ck_assert(child >= 0);
        if (child == 0)
            optimise_in_a_child(checkpoint, result);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        sleep_for(longest * (double)(seed >> 40) * 0x1p-24);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status))
            break;
        kills++;
        longest *= 1.1;
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return kills;
}

START_TEST(killed_at_random_moments_it_goes_on_to_the_same_bits)
{
    int kills = 0;
    make_folder();
    ad_tree *whole = hyper_optimize_with(meta_loss, hypers(), options_of(in_folder("whole.npz")));
    ck_assert_msg(whole && ad_savez(in_folder("whole-result.npz"), whole), "%s", ad_error_message());
    for (uint64_t round = 0; round < 3; round++) {
        remove(in_folder("killed.npz"));
        kills += optimise_and_kill(in_folder("killed.npz"), in_folder("result.npz"), round);
        assert_same_files(in_folder("whole.npz"), in_folder("killed.npz"));
        assert_same_files(in_folder("whole-result.npz"), in_folder("result.npz"));
    }
    ck_assert_msg(kills >= 5, "it was killed %d times only", kills);
    remove_folder();
}
END_TEST

/* ---- stopped by itself ---- */

static bool stop_there(const hyper_meta_step *step, void *context)
{
    return step->iteration != *(int64_t *)context;
}

START_TEST(stopped_after_any_meta_iteration_it_goes_on_to_the_same_bits)
{
    make_folder();
    hyper_optimize_report whole, parts;
    hyper_optimize_options options = options_of(NULL);
    options.report = &whole;
    options.anneal = true;
    ad_tree *expected = hyper_optimize_with(meta_loss, hypers(), options);
    options = options_of(in_folder("parts.npz"));
    options.anneal = true;
    options.on_step = stop_there;
    options.report = &parts;
    ad_tree *found = NULL;
    for (int64_t stop = 3; stop < ALL + 4; stop += 4) {
        options.context = &stop;
        calls = 0;
        found = hyper_optimize_with(meta_loss, hypers(), options);
        ck_assert_msg(found != NULL, "%s", ad_error_message());
        ck_assert_int_eq(parts.resumed, stop - 3);
        ck_assert_int_eq(calls, parts.iterations - parts.resumed);
        ck_assert_int_eq(parts.ending, stop < ALL ? HYPER_CANCELLED : HYPER_DONE);
    }
    ad_tree *pairs[][2] = { { found, expected }, { parts.best, whole.best }, { parts.last, whole.last } };
    for (int i = 0; i < 3; i++)
        ck_assert_mem_eq(ad_data(ad_flatten(pairs[i][0])), ad_data(ad_flatten(pairs[i][1])), 10 * sizeof(double));
    ck_assert_mem_eq(ad_data(parts.losses), ad_data(whole.losses), ALL * sizeof(double));
    ck_assert_mem_eq(ad_data(parts.gradient_norms), ad_data(whole.gradient_norms), ALL * sizeof(double));
    ck_assert(parts.best_iteration == whole.best_iteration && parts.best_loss == whole.best_loss && parts.clipped == whole.clipped &&
              parts.growth == whole.growth && parts.clipped > 0);
    remove_folder();
}
END_TEST

START_TEST(an_optimisation_that_ended_goes_on_with_more_meta_iterations_and_is_there_without_work)
{
    make_folder();
    ad_tree *expected = hyper_optimize_with(meta_loss, hypers(), options_of(NULL));
    hyper_optimize_options options = options_of(in_folder("more.npz"));
    options.iterations = 10;
    ck_assert(hyper_optimize_with(meta_loss, hypers(), options) != NULL);
    options.iterations = ALL;
    for (int round = 0; round < 2; round++) {
        calls = 0;
        ad_tree *found = hyper_optimize_with(meta_loss, hypers(), options);
        ck_assert_msg(found != NULL, "%s", ad_error_message());
        ck_assert_int_eq(calls, round ? 0 : ALL - 10);
        ck_assert_mem_eq(ad_data(ad_flatten(found)), ad_data(ad_flatten(expected)), 10 * sizeof(double));
    }
    remove_folder();
}
END_TEST

START_TEST(every_optimizer_goes_on_to_the_same_bits)
{
    make_folder();
    adnn_optimizer optimizers[] = { adnn_sgd(.momentum = 0.9), adnn_sgd(), adnn_adam(), adnn_adamw(.weight_decay = 0.1), adnn_rmsprop(.momentum = 0.5),
                                    adnn_adagrad() };
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        ad_tree *found[2];
        for (int parts = 0; parts < 2; parts++) {
            hyper_optimize_options options = options_of(parts ? in_folder("optimizer.npz") : NULL);
            options.optimizer = optimizers[i];
            options.iterations = parts ? 3 : 7;
            found[parts] = hyper_optimize_with(meta_loss, hypers(), options);
            options.iterations = 7;
            if (parts)
                found[parts] = hyper_optimize_with(meta_loss, hypers(), options);
            ck_assert_msg(found[parts] != NULL, "%s", ad_error_message());
        }
        ck_assert_mem_eq(ad_data(ad_flatten(found[0])), ad_data(ad_flatten(found[1])), 10 * sizeof(double));
        remove(in_folder("optimizer.npz"));
    }
    remove_folder();
}
END_TEST

static ad_array *cliff(ad_tree *tree, ad_key key, void *context)
{
    (void)key;
    const char **fate = context;
    ad_array *x = ad_sum(ad_tree_get(tree, "x"));
    switch (*(*fate)++) {
    case '!':
        return ad_set_error(AD_ERROR_NUMERIC, "it diverged");
    case '9':
        return ad_mul(x, 1e9);
    default:
        return x;
    }
}

START_TEST(what_grew_or_failed_goes_on_with_other_options)
{
    make_folder();
    const char *path = in_folder("cliff.npz"), *fate = "0000000!";
    hyper_optimize_report report;
    adnn_optimizer plain = adnn_sgd(.step_size = 1);
#define OPTIMISE(...)                                                                                                  \
    hyper_optimize(cliff, ad_tree_of("x", VECTOR(0)), .optimizer = plain, .iterations = 9, .checkpoint = path, .context = &fate, .report = &report, \
                   .returns = HYPER_LAST, __VA_ARGS__)
    assert_fails(OPTIMISE(.checkpoint_seconds = 1000), AD_ERROR_NUMERIC, "meta-iteration 7: it diverged");
    ck_assert(report.iterations == 7 && report.ending == HYPER_FAILED);
    fate = "!90";
    assert_array(ad_tree_get(OPTIMISE(.skip_failures = 1, .stop_growth = 10), "x"), AD_SHAPE(1), 0, -7);
    ck_assert(report.resumed == 7 && report.iterations == 8 && report.skipped == 1 && report.ending == HYPER_GREW);
    fate = "9";
    assert_array(ad_tree_get(OPTIMISE(.clip_norm = 5), "x"), AD_SHAPE(1), 0, -12);
    ck_assert(report.resumed == 8 && report.iterations == 9 && report.skipped == 1 && report.clipped == 1 && report.ending == HYPER_DONE);
#undef OPTIMISE
    remove_folder();
}
END_TEST

static const char *watched;

/* Whether the file has changed since the beginning. */
static bool watch(const hyper_meta_step *step, void *context)
{
    ad_tree *file = ad_loadz(watched);
    *(bool *)context &= ad_item_int(ad_tree_get(file, "iteration")) == 0;
    return step->iteration >= 0;
}

START_TEST(the_file_is_written_as_seldom_as_is_asked_for_and_in_the_end)
{
    make_folder();
    bool unchanged = true;
    watched = in_folder("seldom.npz");
    hyper_optimize_options options = options_of(watched);
    options.checkpoint_seconds = 1000;
    options.on_step = watch;
    options.context = &unchanged;
    ck_assert_msg(hyper_optimize_with(meta_loss, hypers(), options) != NULL, "%s", ad_error_message());
    ck_assert(unchanged);
    ck_assert_int_eq(ad_item_int(ad_tree_get(ad_loadz(watched), "iteration")), ALL);
    remove_folder();
}
END_TEST

START_TEST(the_file_has_what_a_reader_wants_by_path)
{
    make_folder();
    hyper_optimize_report report;
    hyper_optimize_options options = options_of(in_folder("read.npz"));
    options.report = &report;
    ck_assert(hyper_optimize_with(meta_loss, hypers(), options) != NULL);
    ad_tree *file = ad_loadz(in_folder("read.npz"));
    ck_assert_msg(file != NULL, "%s", ad_error_message());
    ck_assert_int_eq(ad_item_int(ad_tree_get(file, "iteration")), ALL);
    ck_assert_mem_eq(ad_data(ad_tree_get(file, "losses")), ad_data(report.losses), ALL * sizeof(double));
    ck_assert_mem_eq(ad_data(ad_tree_get(file, "best/rates/alpha")), ad_data(ad_tree_get(report.best, "rates/alpha")), 5 * sizeof(float));
    ck_assert_mem_eq(ad_data(ad_tree_get(file, "hypers/targets/0")), ad_data(ad_tree_get(report.last, "targets/0")), 3 * sizeof(double));
    ck_assert(!ad_tree_has(file, "hypers/n"));
    ad_array *text = ad_tree_get(file, "problem/leaves");
    ck_assert(memmem(ad_data(text), (size_t)ad_size(text), "rates/alpha float32 (5,) log, values ", 36) != NULL);
    remove_folder();
}
END_TEST

/* ---- refused ---- */

START_TEST(the_file_of_another_problem_is_refused_before_any_work)
{
    make_folder();
    const char *path = in_folder("other.npz");
    hyper_optimize_options options = options_of(path);
    options.iterations = 3;
    ck_assert(hyper_optimize_with(meta_loss, hypers(), options) != NULL);
    calls = 0;
#define REFUSED(tree, text, change)                                                                                    \
    do {                                                                                                               \
        options = options_of(path);                                                                                    \
        change;                                                                                                        \
        assert_fails(hyper_optimize_with(meta_loss, tree, options), AD_ERROR_VALUE, text);                             \
    } while (0)
    REFUSED(hypers(), "belongs to another optimisation: its key is another one", options.key = ad_random_key(5));
    REFUSED(hypers(), "there rule is 1, here 0", options.optimizer = adnn_sgd(.step_size = 0.04));
    REFUSED(hypers(), "there step_size is 0.04, here 0.05", options.optimizer.step_size = 0.05);
    REFUSED(hypers(), "there beta2 is 0.999, here 0.99", options.optimizer.beta2 = 0.99);
    REFUSED(hypers(), "its hypers have \"rates/beta float64 () logit, values ", options.logit = NULL);
    REFUSED(hypers(), "these \"rates/alpha float32 (5,) constant, values ", options.fixed = "rates");
    REFUSED(ad_tree_set(hypers(), "n", ad_arange(2)), "these \"n int64 (2,) constant, values ", (void)0);
    REFUSED(ad_tree_set(hypers(), "targets/0", VECTOR(0, 0, 1)), "its hypers have \"targets/0 float64 (3,), values ", (void)0);
    REFUSED(ad_tree_set(hypers(), "more", VECTOR(0)), "its hypers have \"\", these \"more float64 (1,), values ", (void)0);
    REFUSED(hypers(), "has 3 meta-iterations, more than the 2 asked for", options.iterations = 2);
#undef REFUSED
    ck_assert_int_eq(calls, 0);
    remove_folder();
}
END_TEST

START_TEST(a_file_that_is_no_checkpoint_or_damaged_is_refused_and_left_alone)
{
    static char bytes[1 << 16];
    make_folder();
    const char *path = in_folder("damaged.npz");
    hyper_optimize_options options = options_of(path);
    options.iterations = 3;
    ck_assert(hyper_optimize_with(meta_loss, hypers(), options) != NULL);
    ad_tree *file = ad_loadz(path);
    size_t size = contents(path, bytes, sizeof bytes);
    for (size_t length = 0; length < size; length += 97) {
        write_file(path, bytes, length);
        assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of(path)), AD_ERROR_FORMAT, "damaged.npz");
    }
    static const char *const parts[] = { "problem/leaves", "problem/key", "problem/rule", "iteration", "best_iteration", "best_loss", "losses",
                                         "gradient_norms", "position/rates/alpha", "moments/m/rates/beta", "moments/t", "best/targets/0" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ck_assert(ad_savez(path, ad_tree_set(file, parts[i], ad_arange(4))));
        assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of(path)), AD_ERROR_FORMAT, parts[i]);
    }
    ck_assert(ad_savez(path, ad_tree_of("a", VECTOR(1))));
    assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of(path)), AD_ERROR_FORMAT, "damaged.npz is not a checkpoint of this optimisation");
    ck_assert(ad_tree_has(ad_loadz(path), "a"));
    remove_folder();
}
END_TEST

START_TEST(a_place_that_cannot_be_written_to_is_found_before_any_work)
{
    make_folder();
    calls = 0;
    assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of(in_folder("none/file.npz"))), AD_ERROR_IO, "none/file.npz");
    assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of(folder)), AD_ERROR_IO, folder);
    assert_fails(hyper_optimize_with(meta_loss, hypers(), options_of("")), AD_ERROR_VALUE, ".checkpoint is an empty path");
    ad_tree *tree = ad_tree_set(hypers(), "..", VECTOR(1));
    assert_fails(hyper_optimize_with(meta_loss, tree, options_of(in_folder("names.npz"))), AD_ERROR_VALUE, "..");
    hyper_optimize_options options = options_of(in_folder("file.npz"));
    options.checkpoint_seconds = NAN;
    assert_fails(hyper_optimize_with(meta_loss, hypers(), options), AD_ERROR_VALUE, ".checkpoint_seconds is nan");
    ck_assert_int_eq(calls, 0);
    remove_folder();
}
END_TEST

/* ---- memory ---- */

static hyper_optimize_options of_memory;

static ad_array *begun(ad_array *x)
{
    AD_SCOPE;
    remove(of_memory.checkpoint);
    ad_tree *found = hyper_optimize_with(meta_loss, ad_tree_set(hypers(), "targets/0", x), of_memory);
    return found ? ad_escape(ad_tree_get(found, "targets/0")) : NULL;
}

static ad_array *resumed(ad_array *x)
{
    AD_SCOPE;
    ad_tree *found = hyper_optimize_with(meta_loss, ad_tree_set(hypers(), "targets/0", x), of_memory);
    return found ? ad_escape(ad_tree_get(found, "targets/0")) : NULL;
}

START_TEST(every_allocation_may_fail)
{
    make_folder();
    of_memory = options_of(in_folder("memory.npz"));
    of_memory.iterations = 0;
    assert_every_allocation_may_fail(begun, VECTOR(1, 2, 3));
    of_memory.iterations = 3;
    ck_assert(resumed(VECTOR(1, 2, 3)) != NULL);
    assert_every_allocation_may_fail(resumed, VECTOR(1, 2, 3));
    remove_folder();
}
END_TEST

RUN_TESTS("hyperopt_resume", killed_at_random_moments_it_goes_on_to_the_same_bits, stopped_after_any_meta_iteration_it_goes_on_to_the_same_bits,
          an_optimisation_that_ended_goes_on_with_more_meta_iterations_and_is_there_without_work, every_optimizer_goes_on_to_the_same_bits,
          what_grew_or_failed_goes_on_with_other_options,
          the_file_is_written_as_seldom_as_is_asked_for_and_in_the_end, the_file_has_what_a_reader_wants_by_path,
          the_file_of_another_problem_is_refused_before_any_work, a_file_that_is_no_checkpoint_or_damaged_is_refused_and_left_alone,
          a_place_that_cannot_be_written_to_is_found_before_any_work, every_allocation_may_fail)
