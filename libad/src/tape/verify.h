/* The invariants of the tape and of rules, which a checked build verifies while they run: verify.c. In other builds
 * each check gives true. */
#ifndef AD_VERIFY_H
#define AD_VERIFY_H

#include "tape/tape.h"

/* Whether checks do something. */
#ifdef AD_CHECKED
enum { AD_VERIFIES = 1, AD_NOTED = 24 };
#else
enum { AD_VERIFIES = 0, AD_NOTED = 1 };
#endif

/* How many references there were to the arrays that a rule was given. */
struct ad_references {
    int count;
    ad_array *array[AD_NOTED];
    int64_t references[AD_NOTED];
};

#ifdef AD_CHECKED
/* Run infer twice, and eval into memory of its own. */
bool ad_infer_verified(const struct ad_node *node, ad_spec *specs, int outputs_count);
bool ad_eval_verified(const struct ad_node *node, ad_array *const *outputs, void **data, int outputs_count);

/* Verifies a slot that was just recorded. */
bool ad_slot_verified(const struct ad_tape *tape, uint32_t index);

/* Whether d, a cotangent of operand i or a tangent of output i, has the shape and dtype of `like`. */
bool ad_form_verified(const ad_primitive *op, const char *what, int i, const ad_array *d, const ad_array *like);

/* Notes what the rules of a node are given: its inputs, its outputs, and others. */
void ad_references_note(const ad_context *c, struct ad_references *r, const struct ad_node *node, ad_array *const *given, int given_count);
void ad_references_given(struct ad_references *r, const ad_array *x); /* the engine keeps x from now on */
bool ad_references_verified(const struct ad_references *r, const ad_primitive *op); /* whether nobody else keeps any of them */
#else
AD_ALWAYS_INLINE bool ad_infer_verified(const struct ad_node *node, ad_spec *specs, int outputs_count)
{
    (void)outputs_count;
    return node->op->infer(node, specs);
}

AD_ALWAYS_INLINE bool ad_eval_verified(const struct ad_node *node, ad_array *const *outputs, void **data, int outputs_count)
{
    (void)outputs, (void)outputs_count;
    return node->op->eval(node, data);
}

AD_ALWAYS_INLINE bool ad_slot_verified(const struct ad_tape *tape, uint32_t index)
{
    (void)tape, (void)index;
    return true;
}

AD_ALWAYS_INLINE bool ad_form_verified(const ad_primitive *op, const char *what, int i, const ad_array *d, const ad_array *like)
{
    (void)op, (void)what, (void)i, (void)d, (void)like;
    return true;
}

AD_ALWAYS_INLINE void ad_references_note(const ad_context *c, struct ad_references *r, const struct ad_node *node, ad_array *const *given, int given_count)
{
    (void)c, (void)r, (void)node, (void)given, (void)given_count;
}

AD_ALWAYS_INLINE void ad_references_given(struct ad_references *r, const ad_array *x)
{
    (void)r, (void)x;
}

AD_ALWAYS_INLINE bool ad_references_verified(const struct ad_references *r, const ad_primitive *op)
{
    (void)r, (void)op;
    return true;
}
#endif

#endif
