/* The loop of hyper_optimize.
 *
 * Everything that a meta-iteration leaves to the next is in hyper_meta_state. The next one is a function of it and of
 * the meta-loss alone, so a run that is resumed from a file of it goes on to the same bits. The trees in it are
 * retained. What a meta-iteration makes besides goes with its scope. */
#include "optimize.h"
#include "clock.h"
#include <stdio.h>
#include <string.h>

struct optimization {
    ad_array *(*meta_loss)(ad_tree *hypers, ad_key key, void *context);
    hyper_optimize_options options;
    hyper_coordinates coordinates;
    hyper_meta_state state;
    int64_t resumed;
    int64_t failures;         /* the number of the last ones in a row */
    bool saved;               /* the state is in the file */
    double saved_at;          /* seconds */
    double growth;            /* largest so far */
    hyper_ending ending;
    double started;
    adnn_progress line;
    char what[60];            /* the text that the line begins with */
};

/* One meta-iteration: what is known of it. */
struct meta_iteration {
    const struct optimization *o;
    ad_key key;
    ad_tree *gradient;
    double loss, norm, growth;
    bool clipped, skipped;
};

/* ---- value and gradient ---- */

static ad_array *loss_at(ad_tree *position, void *iteration)
{
    const struct meta_iteration *m = iteration;
    ad_tree *hypers = hyper_natural(&m->o->coordinates, position);
    ad_array *loss = hypers ? m->o->meta_loss(hypers, m->key, m->o->options.context) : NULL;
    if (!loss && !ad_failed())
        return ad_set_error(AD_ERROR_USER, "the meta-loss gave NULL");
    return loss;
}

/* The Euclidean norm of all elements of a tree of floats; infinite where it leaves their range. */
static double norm_of(const ad_tree *tree, ad_array **leaves, int count)
{
    double norm = 0;
    ad_tree_leaves(tree, leaves, count);
    for (int i = 0; i < count && !ad_failed(); i++)
        norm = hypot(norm, ad_item(ad_linalg_norm(ad_ravel(ad_astype(leaves[i], AD_F64)))));
    return norm;
}

/* The recorded error, taken away so that it can be recorded again with more words. */
struct failure {
    ad_code code;
    char sentence[1000];
};

static struct failure take_failure(void)
{
    struct failure failure = { .code = ad_error_code() };
    snprintf(failure.sentence, sizeof failure.sentence, "%s", ad_error_message());
    ad_clear_error();
    return failure;
}

/* Adds to the recorded error at which meta-iteration it occurred. */
static bool failed_at(int64_t iteration)
{
    struct failure failure = take_failure();
    ad_set_error(failure.code, "hyper_optimize: meta-iteration %lld: %s", (long long)iteration, failure.sentence);
    return false;
}

/* Counts one more failure in a row. Gives whether it may be skipped; if not, an error is recorded. */
static bool skip(struct optimization *o, struct meta_iteration *m)
{
    if (++o->failures > o->options.skip_failures)
        return ad_failed() ? failed_at(o->state.iteration)
                           : (ad_set_error(AD_ERROR_NUMERIC, "hyper_optimize: meta-iteration %lld: the meta-loss is %g and its gradient has the norm %g",
                                           (long long)o->state.iteration, m->loss, m->norm), false);
    ad_clear_error();
    return m->skipped = true;
}

static bool evaluate(struct optimization *o, struct meta_iteration *m)
{
    ad_array *loss = ad_value_and_grad(loss_at)(o->state.position, (void *)m, &m->gradient);
    if (loss && m->gradient) {
        m->loss = ad_item(loss);
        m->norm = norm_of(m->gradient, o->coordinates.leaf_room, ad_tree_leaf_count(m->gradient));
    }
    if (ad_failed() && ad_error_code() != AD_ERROR_NUMERIC)
        return failed_at(o->state.iteration);
    if (ad_failed() || !isfinite(m->loss) || !isfinite(m->norm))
        return skip(o, m);
    o->failures = 0;
    return true;
}

/* ---- the history ---- */

bool hyper_history_room(hyper_meta_state *s, int64_t count)
{
    if (count <= s->room)
        return true;
    size_t bytes;
    int64_t room = count < 32 ? 64 : 2 * count;
    if (__builtin_mul_overflow((size_t)room, sizeof(double), &bytes))
        return ad_set_error(AD_ERROR_MEMORY, "hyper_optimize: no memory for the history of %lld meta-iterations", (long long)count), false;
    double **lists[] = { &s->losses, &s->norms, &s->sorted_norms };
    for (int i = 0; i < 3; i++) {
        double *longer = ad_memory_resize(*lists[i], bytes);
        if (!longer)
            return false;
        *lists[i] = longer;
    }
    s->room = room;
    return true;
}

/* Inserts a finite norm into those in order. */
static void insert(hyper_meta_state *s, double norm)
{
    int64_t low = 0, high = s->sorted_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (s->sorted_norms[middle] <= norm)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(s->sorted_norms + low + 1, s->sorted_norms + low, (size_t)(s->sorted_count++ - low) * sizeof *s->sorted_norms);
    s->sorted_norms[low] = norm;
}

static double median(const hyper_meta_state *s)
{
    int64_t n = s->sorted_count;
    return n == 0 ? 0 : 0.5 * (s->sorted_norms[(n - 1) / 2] + s->sorted_norms[n / 2]);
}

/* ---- one meta-iteration ---- */

static bool keep_best(hyper_meta_state *s, double loss)
{
    if (!(loss < s->best_loss))
        return true;
    s->best_loss = loss;
    s->best_iteration = s->iteration;
    return ad_assign(&s->best, s->hypers) != NULL;
}

/* The factor by which clipping scales the gradient; 1 for none. */
static double clipping(const hyper_optimize_options *options, double norm, double usual)
{
    double longest = options->clip_norm > 0 ? options->clip_norm : INFINITY;
    if (options->clip_growth > 0 && usual > 0)
        longest = fmin(longest, options->clip_growth * usual);
    return norm > longest ? longest / norm : 1;
}

static ad_tree *scaled(const struct optimization *o, ad_tree *tree, double factor)
{
    ad_array **leaves = o->coordinates.leaf_room;
    int count = ad_tree_leaf_count(tree);
    ad_tree_leaves(tree, leaves, o->coordinates.leaf_count);
    for (int i = 0; i < count; i++)
        leaves[i] = ad_mul(leaves[i], factor);
    return ad_failed() ? NULL : ad_tree_with_leaves(tree, leaves);
}

/* Whether all elements of a tree of floats are finite; false and an error where it cannot be found out. */
static bool all_finite(const struct optimization *o, const ad_tree *tree)
{
    ad_array **leaves = o->coordinates.leaf_room;
    int count = ad_tree_leaf_count(tree);
    bool finite = true;
    ad_tree_leaves(tree, leaves, count);
    for (int i = 0; i < count && finite && !ad_failed(); i++)
        finite = ad_item(ad_all(ad_isfinite(leaves[i]))) != 0;
    return finite && !ad_failed();
}

static adnn_optimizer optimizer_now(const struct optimization *o)
{
    adnn_optimizer optimizer = o->options.optimizer;
    if (o->options.anneal)
        optimizer.step_size *= 1 - (double)o->state.iteration / (double)o->options.iterations;
    return optimizer;
}

/* One step of the optimizer. */
static bool step(struct optimization *o, struct meta_iteration *m, double usual)
{
    hyper_meta_state *s = &o->state;
    double factor = clipping(&o->options, m->norm, usual);
    m->clipped = factor < 1;
    ad_tree *gradient = m->clipped ? scaled(o, m->gradient, factor) : m->gradient, *position = s->position;
    ad_tree *moments = gradient ? adnn_optimizer_update(optimizer_now(o), s->moments, gradient, &position) : NULL;
    position = moments ? ad_tree_map(ad_stop_gradient, position) : NULL;
    moments = position ? ad_tree_map(ad_stop_gradient, moments) : NULL;
    ad_tree *hypers = moments ? hyper_natural(&o->coordinates, position) : NULL, *moved = hypers ? hyper_moved(&o->coordinates, hypers) : NULL;
    if (moved && !all_finite(o, moved) && !ad_failed())
        ad_set_error(AD_ERROR_NUMERIC, "hyper_optimize: meta-iteration %lld: the step, of a gradient of norm %g, leads to NaN or infinity",
                     (long long)s->iteration, m->norm);
    return !ad_failed() && ad_assign(&s->position, position) && ad_assign(&s->moments, moments) && ad_assign(&s->hypers, hypers);
}

static void tell_progress(struct optimization *o, double loss)
{
    if (o->options.progress)
        adnn_progress_update(&o->line, o->state.iteration - o->resumed, loss);
}

/* Calls on_step; false where it fails. */
static bool tell(struct optimization *o, const struct meta_iteration *m, int64_t iteration, ad_tree *hypers)
{
    int64_t total = o->options.iterations, done = iteration + 1 - o->resumed;
    double seconds = hyper_seconds() - o->started;
    if (!o->options.on_step)
        return true;
    hyper_meta_step told = {
        .iteration = iteration, .iterations = total, .loss = m->loss, .gradient_norm = m->norm, .best_loss = o->state.best_loss, .hypers = hypers,
        .clipped = m->clipped, .skipped = m->skipped, .seconds = seconds, .seconds_left = seconds / (double)done * (double)(total - iteration - 1),
    };
    if (!m->skipped && !(told.gradient = hyper_among_zeros(&o->coordinates, m->gradient)))
        return false;
    if (o->options.progress)
        adnn_progress_end(&o->line); /* the callback may print */
    if (!o->options.on_step(&told, o->options.context))
        o->ending = HYPER_CANCELLED;
    return !ad_failed();
}

/* Makes one meta-iteration. False and an error on failure. Ends the optimisation by setting o->ending. */
static bool iterate(struct optimization *o)
{
    AD_SCOPE;
    hyper_meta_state *s = &o->state;
    int64_t iteration = s->iteration;
    struct meta_iteration m = { .o = o, .key = ad_random_fold_in(o->options.key, (uint64_t)iteration), .loss = NAN, .norm = NAN };
    ad_tree *hypers = hyper_natural(&o->coordinates, s->position);
    double usual = median(s);
    if (!hypers || !hyper_history_room(s, s->count + 1) || !evaluate(o, &m) || !ad_assign(&s->hypers, hypers))
        return false;
    m.growth = usual > 0 && !m.skipped ? m.norm / usual : 0;
    o->growth = fmax(o->growth, m.growth);
    s->losses[s->count] = m.loss;
    s->norms[s->count++] = m.norm;
    if (!m.skipped && !keep_best(s, m.loss))
        return false;
    bool grew = o->options.stop_growth > 0 && m.growth > o->options.stop_growth;
    if (grew)
        o->ending = HYPER_GREW;
    if (!grew && !m.skipped && !step(o, &m, usual))
        return false;
    if (!grew && !m.skipped)
        insert(s, m.norm);
    s->clipped += m.clipped;
    s->iteration += !grew;
    if (!tell(o, &m, iteration, hypers))
        return false;
    tell_progress(o, m.loss);
    return true;
}

/* ---- beginning and end ---- */

static bool refuse(const char *option, double value, const char *wanted)
{
    ad_set_error(AD_ERROR_VALUE, "hyper_optimize: .%s is %g; it should be %s", option, value, wanted);
    return false;
}

static bool check_options(const hyper_optimize_options *o)
{
    if (o->iterations < 0)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: %lld meta-iterations; .iterations should be given, and be at least 0",
                            (long long)o->iterations), false;
    if (!(isfinite(o->optimizer.step_size) && o->optimizer.step_size > 0))
        return refuse("optimizer.step_size", o->optimizer.step_size, "finite and above 0");
    if (!(o->clip_norm >= 0))
        return refuse("clip_norm", o->clip_norm, "0 or a norm");
    if (!(o->clip_growth == 0 || o->clip_growth >= 1))
        return refuse("clip_growth", o->clip_growth, "0 or at least 1");
    if (!(o->stop_growth == 0 || o->stop_growth >= 1))
        return refuse("stop_growth", o->stop_growth, "0 or at least 1");
    if (!(o->checkpoint_seconds >= 0))
        return refuse("checkpoint_seconds", o->checkpoint_seconds, "at least 0");
    if (o->checkpoint && !*o->checkpoint)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: .checkpoint is an empty path"), false;
    if (o->skip_failures < 0)
        return refuse("skip_failures", (double)o->skip_failures, "at least 0");
    if (o->returns != HYPER_BEST && o->returns != HYPER_LAST)
        return refuse("returns", o->returns, "HYPER_BEST or HYPER_LAST");
    return true;
}

static bool was_skipped(const hyper_meta_state *s, int64_t i)
{
    return !isfinite(s->norms[i]) || !isfinite(s->losses[i]);
}

/* Computes what follows from the history of a state that was resumed. */
static void count_again(struct optimization *o)
{
    hyper_meta_state *s = &o->state;
    o->resumed = s->iteration;
    for (int64_t i = 0; i < s->count; i++) {
        o->failures = was_skipped(s, i) ? o->failures + 1 : 0;
        if (o->failures)
            continue;
        double usual = median(s);
        o->growth = fmax(o->growth, usual > 0 ? s->norms[i] / usual : 0);
        insert(s, s->norms[i]);
    }
}

static bool save(struct optimization *o)
{
    o->saved = hyper_state_save(&o->state, &o->coordinates, &o->options);
    o->saved_at = hyper_seconds();
    return o->saved;
}

/* Goes on from the file, or writes it. So a file that cannot be written is found before there is work to lose. */
static bool resume(struct optimization *o)
{
    bool found;
    if (!o->options.checkpoint)
        return true;
    if (!hyper_state_load(&o->state, &o->coordinates, &o->options, &found))
        return false;
    if (found)
        count_again(o);
    return o->state.iteration == o->options.iterations && found ? (o->saved = true) : save(o);
}

static bool begin(struct optimization *o, ad_tree *hypers)
{
    AD_SCOPE;
    hyper_meta_state *s = &o->state;
    s->best_loss = INFINITY;
    s->best_iteration = -1;
    if (!check_options(&o->options) || !hyper_coordinates_open(&o->coordinates, hypers, &o->options))
        return false;
    s->position = ad_retain(o->coordinates.start);
    s->hypers = ad_retain(o->coordinates.hypers);
    s->best = ad_retain(o->coordinates.hypers);
    ad_tree *moments = adnn_optimizer_init(o->options.optimizer, s->position);
    return moments && (s->moments = ad_retain(moments)) && resume(o);
}

static int64_t count_skipped(const hyper_meta_state *s)
{
    int64_t skipped = 0;
    for (int64_t i = 0; i < s->count; i++)
        skipped += was_skipped(s, i);
    return skipped;
}

/* A retained tree, which now belongs to the caller's scope too. */
static ad_tree *given_out(ad_tree *tree)
{
    AD_SCOPE;
    return tree ? ad_tree_escape(tree) : NULL;
}

static bool fill_report(const struct optimization *o, hyper_optimize_report *report)
{
    const hyper_meta_state *s = &o->state;
    *report = (hyper_optimize_report){
        .ending = o->ending, .iterations = s->iteration, .resumed = o->resumed, .clipped = s->clipped, .skipped = count_skipped(s),
        .best_iteration = s->best_iteration, .best_loss = s->best_loss, .growth = o->growth, .best = given_out(s->best), .last = given_out(s->hypers),
        .seconds = hyper_seconds() - o->started,
    };
    ad_shape count = { .ndim = 1, .dim = { s->count } };
    static const double none[1];
    report->losses = ad_from(s->losses ? s->losses : none, count);
    report->gradient_norms = ad_from(s->norms ? s->norms : none, count);
    return report->losses && report->gradient_norms;
}

static void end(struct optimization *o)
{
    hyper_meta_state *s = &o->state;
    ad_tree *trees[] = { s->position, s->moments, s->hypers, s->best };
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
        ad_release(trees[i]);
    ad_memory_give(s->losses);
    ad_memory_give(s->norms);
    ad_memory_give(s->sorted_norms);
    hyper_coordinates_close(&o->coordinates);
}

/* Writes the file where it is due: now and then, and always at the end. */
static bool save_when_due(struct optimization *o, bool last)
{
    bool due = o->options.checkpoint && !o->saved && (last || hyper_seconds() - o->saved_at >= o->options.checkpoint_seconds);
    return !due || save(o);
}

/* Writes the file after an error. The recorded error stays the one that was there. */
static void save_after_failure(struct optimization *o)
{
    struct failure failure = take_failure();
    save_when_due(o, true);
    ad_clear_error();
    ad_set_error(failure.code, "%s", failure.sentence);
}

static bool run(struct optimization *o)
{
    bool done = true;
    if (o->resumed)
        snprintf(o->what, sizeof o->what, "meta-iterations after the first %lld", (long long)o->resumed);
    if (o->options.progress)
        o->line = adnn_progress_start(o->resumed ? o->what : "meta-iterations", o->options.iterations - o->resumed);
    while (done && o->ending == HYPER_DONE && o->state.iteration < o->options.iterations) {
        done = iterate(o);
        o->saved = false;
        done = done && save_when_due(o, o->ending != HYPER_DONE || o->state.iteration == o->options.iterations);
    }
    if (o->options.progress)
        adnn_progress_end(&o->line);
    if (!done)
        save_after_failure(o);
    return done;
}

ad_tree *hyper_optimize_with(ad_array *(*meta_loss)(ad_tree *hypers, ad_key key, void *context), ad_tree *hypers, hyper_optimize_options options)
{
    struct optimization o = { .meta_loss = meta_loss, .options = options, .started = hyper_seconds() };
    if (options.report)
        *options.report = (hyper_optimize_report){ .ending = HYPER_FAILED, .best_iteration = -1, .best_loss = INFINITY };
    if (ad_failed())
        return NULL;
    if (!meta_loss)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: the meta-loss is NULL");
    if (!hypers)
        return ad_set_error(AD_ERROR_VALUE, "hyper_optimize: the tree of hypers is NULL");
    bool done = begin(&o, hypers) && run(&o);
    if (!done)
        o.ending = HYPER_FAILED;
    if (options.report && o.coordinates.start)
        done &= fill_report(&o, options.report);
    ad_tree *result = done ? given_out(options.returns == HYPER_LAST ? o.state.hypers : o.state.best) : NULL;
    end(&o);
    return result;
}
