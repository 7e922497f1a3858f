/* Learnt rules: the calls that the rule of an operation makes on scalars, written down once in a thread.
 *
 * A rule runs on variables. They look like scalars, but take the general way, where the recorder takes each call of
 * one. What it calls on constants alone is a constant. A rule that does anything else with a variable than calling
 * operations on scalars is unsuited, and runs itself each time. Rules of the library's own operations read no data, and
 * so make the same calls whatever they are given. This is not known of others' rules, which are left alone. */
#include "tape/scalar.h"

struct ad_recorder {
    ad_array *variables[AD_RULE_REGISTERS]; /* t, a, b, y and the results of steps; each is a reference */
    int constants_count, steps_count;
    double constants[AD_RULE_CONSTANTS];
    struct ad_real_step steps[AD_RULE_STEPS]; /* its registers are places among the variables, or CONSTANT plus the number of a constant */
    bool unsuited;
};

enum { CONSTANT = 128 };

static const struct ad_real_rule unsuited = { .kind = AD_RULE_UNSUITED }, zero = { .kind = AD_RULE_ZERO };

/* ---- variables ---- */

static bool is_variable(const struct ad_recorder *recorder, const ad_array *x, int *place)
{
    for (*place = 0; *place < AD_RULE_FIRST + recorder->steps_count; ++*place)
        if (recorder->variables[*place] == x)
            return true;
    return false;
}

/* A variable may be any scalar. Its kind keeps it out of the short way. */
static ad_array *variable(ad_context *c, struct ad_recorder *recorder, int place)
{
    ad_array *x = ad_array_real(c);
    if (!x)
        return NULL;
    x->scalar = 0.5;
    x->object.kind = AD_ARRAY;
    return recorder->variables[place] = ad_keep(c, x);
}

static void drop_variables(ad_context *c, struct ad_recorder *recorder)
{
    for (int i = 0; i < AD_RULE_FIRST + recorder->steps_count; i++) {
        if (recorder->variables[i])
            recorder->variables[i]->object.kind = AD_SCALAR;
        ad_drop(c, recorder->variables[i]);
    }
}

/* ---- calls ---- */

/* Where x is: a variable or a constant. */
static bool place_of(struct ad_recorder *recorder, const ad_array *x, uint8_t *register_)
{
    int place;
    double number;
    if (is_variable(recorder, x, &place)) {
        *register_ = (uint8_t)place;
        return true;
    }
    if (recorder->constants_count == AD_RULE_CONSTANTS || x->serial || !ad_double_of(x, &number))
        return false;
    *register_ = (uint8_t)(CONSTANT + recorder->constants_count);
    recorder->constants[recorder->constants_count++] = number;
    return true;
}

static bool take_step(ad_context *c, struct ad_recorder *recorder, const ad_primitive *op, ad_array *const *inputs, int count, const void *options,
                      ad_array **z)
{
    struct ad_real_call *call = op->scalar && count <= 2 && op->outputs <= 1 ? ad_real_call_of(c, op, options, count) : NULL;
    if (!call || call->foreign || recorder->steps_count == AD_RULE_STEPS)
        return false;
    struct ad_real_step step = { .call = call };
    if (!place_of(recorder, inputs[0], &step.a) || !place_of(recorder, inputs[count - 1], &step.b))
        return false;
    if (!(*z = variable(c, recorder, AD_RULE_FIRST + recorder->steps_count)))
        return true;
    recorder->steps[recorder->steps_count++] = step;
    return true;
}

/* Whether the recorder answers the call. *z is the answer, or NULL after an error. */
bool ad_rule_takes(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **z)
{
    struct ad_recorder *recorder = c->tape->recorder;
    bool any = false;
    int place;
    for (int i = 0; inputs && i < count; i++)
        any |= is_variable(recorder, inputs[i], &place);
    if (!any || recorder->unsuited)
        return false;
    bool taken = take_step(c, recorder, op, inputs, count, options, z);
    recorder->unsuited = !taken;
    return taken;
}

/* ---- rules ---- */

/* The register, in a rule that has so many constants. */
static uint8_t final_register(const struct ad_recorder *recorder, uint8_t place)
{
    if (place >= CONSTANT)
        return (uint8_t)(place - CONSTANT + AD_RULE_FIRST);
    return (uint8_t)(place < AD_RULE_FIRST ? place : place + recorder->constants_count);
}

static size_t bytes_of(int steps_count)
{
    return sizeof(struct ad_real_rule) + (size_t)steps_count * sizeof(struct ad_real_step);
}

static const struct ad_real_rule *written(ad_context *c, const struct ad_recorder *recorder, uint8_t result)
{
    struct ad_real_rule *rule = ad_allocate(c, bytes_of(recorder->steps_count));
    if (!rule)
        return NULL;
    bool product = recorder->steps_count == 1 && !recorder->constants_count && result == AD_RULE_FIRST && recorder->steps[0].call->f;
    ad_rule_kind kind = product ? AD_RULE_PRODUCT : result < AD_RULE_FIRST && !recorder->steps_count ? AD_RULE_SAME : AD_RULE_STEPPED;
    *rule = (struct ad_real_rule){ .kind = (uint8_t)kind, .result = final_register(recorder, result), .constants_count = (uint8_t)recorder->constants_count,
                                   .steps_count = (uint8_t)recorder->steps_count };
    memcpy(rule->constants, recorder->constants, sizeof rule->constants);
    for (int i = 0; i < recorder->steps_count; i++) {
        const struct ad_real_step *step = &recorder->steps[i];
        rule->steps[i] = (struct ad_real_step){ step->call, final_register(recorder, step->a), final_register(recorder, step->b) };
    }
    return rule;
}

/* The arrays of a call that a rule may read: a reverse rule those that `saves` names, and stubs for the others. */
struct readable {
    ad_array *inputs[2], *output;
};

static struct readable readable_by(const ad_context *c, const ad_primitive *op, bool forward, int operand, ad_array *const *variables)
{
    struct readable r = { { variables[AD_RULE_A], variables[AD_RULE_B] }, variables[AD_RULE_Y] };
    ad_array *stub = c->tape->stubs[AD_F64];
    for (int i = 0; i < 2 && !forward; i++)
        if (!ad_reads_input(op, i, 1, i == operand))
            r.inputs[i] = stub;
    if (!forward && !(op->saves & AD_SAVE_OUTPUT_OF(0)))
        r.output = stub;
    return r;
}

/* What the rule gives for the variables. */
static ad_array *call_rule(ad_context *c, const struct ad_recorder *recorder, const struct ad_real_call *call, bool forward, int operand)
{
    const ad_primitive *op = call->op;
    ad_array *const *v = recorder->variables, *t = v[AD_RULE_T];
    struct readable r = readable_by(c, op, forward, operand, v);
    struct ad_node node = { .op = op, .options = ad_options_at(op, &call->options), .inputs = r.inputs, .outputs = &r.output,
                            .cotangents = forward ? NULL : v, .count = call->count };
    if (forward && op->jvp)
        return op->jvp(&node, operand, t);
    if (!forward && op->vjp)
        return op->vjp(&node, operand, t);
    if (op->derivative) {
        ad_array *d = op->derivative(&node, operand);
        return d ? ad_times(c, t, d, c->scopes.count) : NULL;
    }
    return ad_call_primitive(op, &t, 1, ad_options_at(op, &call->options)); /* linear, with one operand */
}

static const struct ad_real_rule *learn(ad_context *c, struct ad_recorder *recorder, const struct ad_real_call *call, bool forward, int operand)
{
    uint8_t result;
    for (int i = 0; i < AD_RULE_FIRST; i++)
        if (!variable(c, recorder, i))
            return NULL;
    ad_array *d = call_rule(c, recorder, call, forward, operand);
    if (c->error_code)
        return NULL;
    if (recorder->unsuited || (d && !place_of(recorder, d, &result)))
        return &unsuited;
    return d ? written(c, recorder, result) : &zero;
}

/* Runs something with no level in sight, and with the recorder on. */
struct recording {
    uint64_t live;
    struct ad_run *run;
    struct ad_recorder *outer;
    uint32_t made, depth;
};

static struct recording recording_begin(ad_context *c, struct ad_recorder *recorder)
{
    struct ad_tape *tape = c->tape;
    struct recording before = { tape->live, tape->run, tape->recorder, c->scopes.count, c->scopes.depth };
    tape->live = 0;
    tape->run = NULL;
    tape->recorder = recorder;
    return before;
}

static void recording_end(ad_context *c, struct ad_recorder *recorder, const struct recording *before)
{
    struct ad_tape *tape = c->tape;
    tape->live = before->live;
    tape->run = before->run;
    tape->recorder = before->outer;
    drop_variables(c, recorder);
    ad_scope_trim(c, before->made);
    c->scopes.depth = before->depth;
}

const struct ad_real_rule *ad_rule_learn(ad_context *c, struct ad_real_call *call, bool forward, int operand)
{
    if (c->error_code)
        return NULL;
    struct ad_recorder recorder = { .unsuited = false };
    struct recording before = recording_begin(c, &recorder);
    const struct ad_real_rule *rule = learn(c, &recorder, call, forward, operand);
    recording_end(c, &recorder, &before);
    if (rule)
        (forward ? call->forward : call->reverse)[operand] = rule;
    return rule;
}

/* ---- calls by operation ---- */

/* Whether there is a rule that can be learnt, and whether calls need nothing but values. */
static bool is_suited(const ad_primitive *op, int count)
{
    bool rules = op->derivative || (op->vjp && (op->jvp || (op->linear == AD_LINEAR && count == 1)));
    return (rules || op->constant) && op->outputs <= 1 && !op->parameters && !ad_options_refer(op);
}

static struct ad_real_call *find(struct ad_real_call **first, const ad_primitive *op, uint64_t key)
{
    for (struct ad_real_call **link = first; *link; link = &(*link)->next) {
        struct ad_real_call *call = *link;
        if (call->op != op || call->key != key)
            continue;
        *link = call->next;
        call->next = *first;
        return *first = call;
    }
    return NULL;
}

static struct ad_real_call *make(ad_context *c, struct ad_real_call **first, const ad_primitive *op, uint64_t key, int count, bool foreign)
{
    struct ad_tape *tape = c->tape;
    struct ad_real_call *call = tape->calls_count < AD_MOST_REAL_CALLS ? ad_allocate(c, sizeof *call) : NULL;
    if (!call)
        return NULL;
    *call = (struct ad_real_call){ .op = op, .key = key, .count = count, .foreign = foreign, .next = *first };
    if (op->scalar == ad_elementwise_scalar)
        call->f = c->loops->number[op->code];
    tape->calls_count++;
    return *first = call;
}

/* Learns the operation that adds cotangents and tangents. */
static bool learn_sum(ad_context *c)
{
    struct ad_recorder recorder = { .unsuited = false };
    struct recording before = recording_begin(c, &recorder);
    ad_array *a = variable(c, &recorder, AD_RULE_T), *b = a ? variable(c, &recorder, AD_RULE_A) : NULL;
    if (b && ad_add(a, b))
        c->tape->sum = recorder.steps[0].call;
    recording_end(c, &recorder, &before);
    return c->tape->sum;
}

struct ad_real_call *ad_real_call_further(ad_context *c, const ad_primitive *op, uint64_t key, int count)
{
    struct ad_real_call **first = ad_real_call_place(c, op, key), *call = find(first, op, key);
    if (call)
        return call;
    bool foreign = !ad_is_own(op) || !is_suited(op, count);
    if (foreign && key) { /* there is one for all its options */
        first = ad_real_call_place(c, op, 0);
        if ((call = find(first, op, 0)))
            return call;
    }
    if (c->error_code || !(call = make(c, first, op, foreign ? 0 : key, count, foreign)))
        return NULL;
    return c->tape->sum || c->tape->recorder || learn_sum(c) ? call : NULL;
}

static void rule_free(ad_context *c, const struct ad_real_rule *rule)
{
    if (rule && ad_rule_has_value(rule))
        ad_deallocate(c, (void *)rule, bytes_of(rule->steps_count));
}

void ad_real_calls_free(ad_context *c, struct ad_tape *tape)
{
    for (int i = 0; i < 1 << AD_REAL_CALL_BITS; i++)
        for (struct ad_real_call *call = tape->calls[i], *next; call; call = next) {
            next = call->next;
            for (int k = 0; k < 2; k++) {
                rule_free(c, call->reverse[k]);
                rule_free(c, call->forward[k]);
            }
            ad_deallocate(c, call, sizeof *call);
        }
}
