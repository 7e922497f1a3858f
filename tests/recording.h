/* Recording the calls that a function makes, by ad_on_call, and making them again with other arrays in place of its
 * operands. */
#ifndef AD_TESTS_RECORDING_H
#define AD_TESTS_RECORDING_H

#include <ad/ad.h>
#include <stdlib.h>
#include <string.h>

struct recorded_call {
    const ad_primitive *op;
    void *options;
    ad_array **arrays; /* inputs, then outputs */
    int inputs, outputs;
};

/* What stands for an array in the replay. */
struct recorded_pair {
    const ad_array *recorded;
    ad_array *replayed;
};

struct recording {
    struct recorded_call *calls;
    struct recorded_pair *pairs; /* open addressing by the recorded array */
    int calls_count, pairs_count, pairs_room;
};

static inline bool record_call(const ad_call_event *event, void *context)
{
    struct recording *r = context;
    if (event->depth)
        return true;
    r->calls = realloc(r->calls, (size_t)(r->calls_count + 1) * sizeof *r->calls);
    struct recorded_call *call = &r->calls[r->calls_count++];
    *call = (struct recorded_call){ event->operation, ad_options_keep(event->operation, event->options), NULL, event->inputs_count, event->outputs_count };
    call->arrays = malloc((size_t)(call->inputs + call->outputs) * sizeof *call->arrays);
    for (int i = 0; i < call->inputs + call->outputs; i++)
        call->arrays[i] = ad_retain(i < call->inputs ? event->inputs[i] : event->outputs[i - call->inputs]);
    return true;
}

static inline void recording_free(struct recording *r)
{
    for (int i = 0; i < r->calls_count; i++) {
        struct recorded_call *call = &r->calls[i];
        ad_options_free(call->op, call->options);
        for (int k = 0; k < call->inputs + call->outputs; k++)
            ad_release(call->arrays[k]);
        free(call->arrays);
    }
    free(r->calls);
    free(r->pairs);
    *r = (struct recording){ 0 };
}

static inline struct recorded_pair *recorded_pair_of(const struct recording *r, const ad_array *x)
{
    size_t at = ((uintptr_t)x >> 6) * 2654435761u;
    while (r->pairs[at %= (size_t)r->pairs_room].recorded && r->pairs[at].recorded != x)
        at++;
    return &r->pairs[at];
}

/* replayed stands for recorded from now on. */
static inline void recording_replace(struct recording *r, const ad_array *recorded, ad_array *replayed)
{
    if (2 * (r->pairs_count + 1) > r->pairs_room) {
        struct recording larger = { .pairs_room = r->pairs_room ? 2 * r->pairs_room : 256 };
        larger.pairs = calloc((size_t)larger.pairs_room, sizeof *larger.pairs);
        for (int i = 0; i < r->pairs_room; i++)
            if (r->pairs[i].recorded)
                *recorded_pair_of(&larger, r->pairs[i].recorded) = r->pairs[i];
        free(r->pairs);
        r->pairs = larger.pairs;
        r->pairs_room = larger.pairs_room;
    }
    struct recorded_pair *pair = recorded_pair_of(r, recorded);
    r->pairs_count += !pair->recorded;
    *pair = (struct recorded_pair){ recorded, replayed };
}

/* What stands for an array in the replay: itself, if no call made it. */
static inline ad_array *recording_stands_for(const struct recording *r, ad_array *x)
{
    const struct recorded_pair *pair = r->pairs_room ? recorded_pair_of(r, x) : NULL;
    return pair && pair->recorded ? pair->replayed : x;
}

/* Makes the calls again; false and an error where one fails. */
static inline bool recording_replay(struct recording *r)
{
    bool done = true;
    for (int i = 0; i < r->calls_count && done; i++) {
        const struct recorded_call *call = &r->calls[i];
        ad_array **inputs = malloc((size_t)call->inputs * sizeof *inputs), *outputs[AD_MAX_OUTPUTS];
        for (int k = 0; k < call->inputs; k++)
            inputs[k] = recording_stands_for(r, call->arrays[k]);
        done = ad_call_primitive_many(call->op, inputs, call->inputs, call->options, outputs);
        free(inputs);
        for (int k = 0; k < call->outputs && done; k++)
            recording_replace(r, call->arrays[call->inputs + k], outputs[k]);
    }
    return done;
}

static inline bool same_bits(ad_array *a, ad_array *b)
{
    if (ad_dtype_of(a) != ad_dtype_of(b) || !ad_shape_equal(ad_shape_of(a), ad_shape_of(b)))
        return false;
    return ad_size(a) == 0 || memcmp(ad_data(a), ad_data(b), (size_t)ad_size(a) * ad_dtype_size(ad_dtype_of(a))) == 0;
}

#endif
