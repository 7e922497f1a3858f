/* A program's own loop on the threads of the pool.
 *
 * Every part runs under the same conditions: no error is set, it has a scope of its own, and its loops run on one
 * thread. So a result does not depend on which thread ran the part. If several parts fail, the error that is left is
 * that of the lowest of them, for any number of threads. Errors are held back until all parts have ended. What the
 * program asked for on errors (ad_on_error) is then done once, in the calling thread. */
#include "ad/config.h"
#include "ad/scope.h"
#include "array/error.h"
#include "array/scope.h"
#include "kernels/kernels.h"
#include <pthread.h>
#include <string.h>

struct kept_error {
    ad_code code; /* AD_OK: none */
    char message[AD_SENTENCE_BYTES], where[sizeof((ad_context *)0)->error_where];
};

struct shared_loop {
    void (*run)(int64_t part, void *context);
    void *context;
    pthread_mutex_t lock; /* of the members below */
    int64_t failed_part;
    struct kept_error error; /* of that part */
};

/* A thread that has no room for a context keeps the error that says so. */
static void clear_error(ad_context *c)
{
    if (c->id != AD_NO_THREAD)
        ad_clear_error();
}

static void keep_error(const ad_context *c, struct kept_error *error)
{
    error->code = c->error_code;
    memcpy(error->message, c->error_message, sizeof error->message);
    memcpy(error->where, c->error_where, sizeof error->where);
}

static void put_error_back(ad_context *c, const struct kept_error *error)
{
    if (c->id == AD_NO_THREAD || error->code == AD_OK)
        return;
    c->error_code = error->code;
    memcpy(c->error_message, error->message, sizeof error->message);
    memcpy(c->error_where, error->where, sizeof error->where);
}

static void run_part(void *context, int64_t part)
{
    struct shared_loop *loop = context;
    ad_context *c = ad_current();
    ad_on_error_action action = c->on_error;
    if (c->id != AD_NO_THREAD)
        c->on_error = AD_ERROR_RETURN;
    ad_scope scope = ad_scope_open();
    loop->run(part, loop->context);
    ad_scope_close(scope);
    if (c->error_code != AD_OK) {
        pthread_mutex_lock(&loop->lock);
        if (loop->error.code == AD_OK || part < loop->failed_part) {
            loop->failed_part = part;
            keep_error(c, &loop->error);
        }
        pthread_mutex_unlock(&loop->lock);
        clear_error(c);
    }
    if (c->id != AD_NO_THREAD)
        c->on_error = action;
}

void ad_parallel_for(int64_t parts, void (*run)(int64_t part, void *context), void *context)
{
    ad_context *c = ad_current();
    if (!run) {
        ad_missing("ad_parallel_for", "function");
        return;
    }
    if (parts < 0) {
        ad_set_error(AD_ERROR_VALUE, "ad_parallel_for: %lld parts; there should be 0 or more", (long long)parts);
        return;
    }
    struct kept_error before;
    struct shared_loop loop = { .run = run, .context = context, .lock = PTHREAD_MUTEX_INITIALIZER };
    keep_error(c, &before);
    clear_error(c);
    ad_run_parts(parts, run_part, &loop);
    if (before.code == AD_OK && loop.error.code != AD_OK)
        ad_set_error_at(loop.error.code, loop.error.where, loop.error.message);
    put_error_back(c, &before);
}
