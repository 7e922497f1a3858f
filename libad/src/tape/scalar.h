/* What the files that differentiate scalars share: scalars without arrays, and rules as short programs of them.
 *
 * A rule is written with public operations and reads no data. So on scalars it makes the same calls each time, whatever
 * their values are. It is run once on variables (rule.c). From then on its calls are repeated on doubles, to the same
 * bits. */
#ifndef AD_SCALAR_H
#define AD_SCALAR_H

#include "kernels/kernels.h"
#include "tape/tape.h"

/* A scalar, as the short way sees it. */
struct ad_real {
    double value, tangent;
    uint32_t slot;   /* of the running trace; 0: it depends on no reverse level */
    bool dual;       /* `tangent` is that of the outermost level, it is a scalar, and it is the only one */
    ad_array *array; /* the same scalar with its other tangents; NULL: it has none */
};

enum { AD_RULE_STEPS = 24, AD_RULE_CONSTANTS = 4, AD_MOST_REAL_CALLS = 1024 };

/* Registers of a rule: these, then its constants, then the result of each step. */
enum { AD_RULE_T, AD_RULE_A, AD_RULE_B, AD_RULE_Y, AD_RULE_FIRST, AD_RULE_REGISTERS = AD_RULE_FIRST + AD_RULE_CONSTANTS + AD_RULE_STEPS };

struct ad_real_step {
    struct ad_real_call *call;
    uint8_t a, b; /* registers; both are the same for an operation of one operand */
};

typedef enum ad_rule_kind {
    AD_RULE_STEPPED,
    AD_RULE_PRODUCT, /* one step that is a loop, without constants, as in most rules */
    AD_RULE_SAME,    /* a register as it is */
    AD_RULE_ZERO,    /* nothing */
    AD_RULE_UNSUITED /* the rule itself has to run */
} ad_rule_kind;

/* What operand `a` or `b` of a call on scalars gets of the cotangent t, or gives of the tangent t. */
struct ad_real_rule {
    uint8_t kind; /* ad_rule_kind */
    uint8_t result, constants_count, steps_count;
    double constants[AD_RULE_CONSTANTS];
    struct ad_real_step steps[];
};

/* An operation with its options, as calls on scalars share it. A thread has one of each. */
struct ad_real_call {
    const ad_primitive *op;
    union {
        uint64_t key;
        const void *options; /* or they are in this struct: ad_options_at */
    };
    ad_number_function *f; /* NULL: op->scalar */
    int count;
    bool foreign; /* not the library's own, so that its rules may do anything, or not only of values; it is used with any options, and has the key 0 */
    struct ad_real_call *next;
    const struct ad_real_rule *reverse[2], *forward[2]; /* NULL: not known yet */
};

/* rule.c */
struct ad_real_call *ad_real_call_further(ad_context *c, const ad_primitive *op, uint64_t key, int count);
const struct ad_real_rule *ad_rule_learn(ad_context *c, struct ad_real_call *call, bool forward, int operand); /* NULL and an error */

/* scalar.c: z = op(a, b), recorded and with tangents. If there is one operand, b is a. False and an error. */
bool ad_real_apply(ad_context *c, struct ad_real_call *call, const struct ad_real *a, const struct ad_real *b, struct ad_real *z);
bool ad_real_add(ad_context *c, const struct ad_real *a, const struct ad_real *b, struct ad_real *z);
ad_array *ad_real_array(ad_context *c, const struct ad_real *x); /* NULL and an error */

typedef enum ad_outcome { AD_NOTHING, AD_DONE, AD_FAILED } ad_outcome;

/* Runs the rule of an operand. registers: t, a, b and y are set. */
ad_outcome ad_rule_run(ad_context *c, struct ad_real_call *call, bool forward, int operand, struct ad_real *registers, struct ad_real *result);

/* The beginning of the chain that the call of an operation is in. */
AD_ALWAYS_INLINE struct ad_real_call **ad_real_call_place(ad_context *c, const ad_primitive *op, uint64_t key)
{
    uint64_t hash = ((uintptr_t)op >> 4 ^ key) * UINT64_C(0x9e3779b97f4a7c15);
    return &c->tape->calls[hash >> (64 - AD_REAL_CALL_BITS)];
}

/* The call of an operation whose options have at most 8 bytes; NULL: it takes the general way. */
AD_ALWAYS_INLINE struct ad_real_call *ad_real_call_of(ad_context *c, const ad_primitive *op, const void *options, int count)
{
    uint64_t key = 0;
    if (!op->options_size)
        key = (uintptr_t)options;
    else if (op->options_size == sizeof key)
        memcpy(&key, options, sizeof key);
    else
        return NULL;
    struct ad_real_call *call = *ad_real_call_place(c, op, key);
    return __builtin_expect(call && call->op == op && call->key == key, 1) ? call : ad_real_call_further(c, op, key, count);
}

AD_ALWAYS_INLINE double ad_real_value(const struct ad_real_call *call, double a, double b)
{
    return call->f ? call->f(a, b) : call->op->scalar(call->op, ad_options_at(call->op, &call->options), a, b);
}

/* The rule of an operand; NULL and an error. */
AD_ALWAYS_INLINE const struct ad_real_rule *ad_rule_of(ad_context *c, struct ad_real_call *call, bool forward, int operand)
{
    const struct ad_real_rule *rule = forward ? call->forward[operand] : call->reverse[operand];
    return __builtin_expect(rule != NULL, 1) ? rule : ad_rule_learn(c, call, forward, operand);
}

/* Whether ad_rule_value may be called. */
AD_ALWAYS_INLINE bool ad_rule_has_value(const struct ad_real_rule *rule)
{
    return rule->kind <= AD_RULE_SAME;
}

/* What a rule gives if nothing depends on a level in sight. registers: t, a, b and y are set. */
AD_ALWAYS_INLINE double ad_rule_value(const struct ad_real_rule *rule, double *registers)
{
    if (rule->kind == AD_RULE_PRODUCT)
        return rule->steps[0].call->f(registers[rule->steps[0].a], registers[rule->steps[0].b]);
    if (rule->kind == AD_RULE_SAME)
        return registers[rule->result];
    double *next = registers + AD_RULE_FIRST;
    for (int i = 0; i < rule->constants_count; i++)
        *next++ = rule->constants[i];
    for (int i = 0; i < rule->steps_count; i++) {
        const struct ad_real_step *step = &rule->steps[i];
        *next++ = ad_real_value(step->call, registers[step->a], registers[step->b]);
    }
    return registers[rule->result];
}

/* The tangent of a scalar for the outermost level, if it is a scalar itself; NULL: it is not, or there is none. */
AD_ALWAYS_INLINE const struct ad_tangent *ad_outermost_tangent(const struct ad_tape *tape, const ad_array *x)
{
    const struct ad_tangent *t = tape->forward & 1 ? ad_tangent_of(tape, x, 0) : NULL;
    return t && !t->value && !t->slot ? t : NULL;
}

/* x, a 0-d float64 array with values, as the short way sees it. */
AD_ALWAYS_INLINE struct ad_real ad_real_of(const ad_context *c, ad_array *x)
{
    struct ad_real real = { .value = *(const double *)memory_of(x) };
    if (!x->serial || x->serial != c->tape->serial)
        return real;
    real.slot = x->slot;
    if (!x->tangents)
        return real;
    const struct ad_tangent *t = x->tangents->next ? NULL : ad_outermost_tangent(c->tape, x);
    real.dual = t != NULL;
    real.tangent = t ? t->scalar : 0;
    real.array = t ? NULL : x;
    return real;
}

#endif
