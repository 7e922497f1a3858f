/* What a checked build verifies, each broken once: by a primitive whose functions do what they may not, or on the tape
 * itself. A unit test of internals. */
#include "testing.h"
#include "tape/verify.h"
#include <ad/primitive.h>

static bool like_the_input(const ad_node *node, ad_spec *output)
{
    *output = (ad_spec){ ad_node_dtype(node, 0), ad_node_shape(node, 0) };
    return true;
}

static bool copy(const ad_node *node, void *const *outputs)
{
    ad_array *x = ad_node_input(node, 0);
    return ad_copy_to(x, outputs[0], ad_size(x));
}

static ad_array *pass_on(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    return g;
}

/* ---- infer, eval and options ---- */

static int times_asked;

static bool changes_its_mind(const ad_node *node, ad_spec *output)
{
    (void)node;
    *output = (ad_spec){ AD_F64, AD_SHAPE(2 + times_asked++ % 2) };
    return true;
}

static bool infer_writes(const ad_node *node, ad_spec *output)
{
    ++*(int *)(uintptr_t)ad_node_options(node);
    return like_the_input(node, output);
}

static bool eval_writes(const ad_node *node, void *const *outputs)
{
    ++*(int *)(uintptr_t)ad_node_options(node);
    return copy(node, outputs);
}

static bool writes_beyond(const ad_node *node, void *const *outputs)
{
    ((double *)outputs[0])[ad_size(ad_node_input(node, 0))] = 1;
    return copy(node, outputs);
}

static bool writes_before(const ad_node *node, void *const *outputs)
{
    ((double *)outputs[0])[-1] = 1;
    return copy(node, outputs);
}

START_TEST(infer_gives_one_answer_and_options_stay)
{
    static const struct {
        ad_primitive primitive;
        const char *text;
    } refused[] = {
        { { .name = "fickle", .infer = changes_its_mind, .eval = copy }, "fickle: infer gives another answer of output 0 when it is asked again" },
        { { .name = "marks", .infer = infer_writes, .eval = copy, .options_size = sizeof(int) }, "marks: infer changes the options" },
        { { .name = "marks", .infer = like_the_input, .eval = eval_writes, .options_size = sizeof(int) }, "marks: eval changes the options" },
    };
    ad_array *x = VECTOR(1, 2);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_fails(ad_call_primitive(&refused[i].primitive, &x, 1, &(int){ 1 }), AD_ERROR_VALUE, refused[i].text);
}
END_TEST

START_TEST(eval_stays_in_its_memory)
{
    static const ad_primitive beyond = { .name = "far", .infer = like_the_input, .eval = writes_beyond };
    static const ad_primitive before = { .name = "near", .infer = like_the_input, .eval = writes_before };
    ad_array *x = VECTOR(1, 2, 3);
#ifdef AD_ASAN
    (void)beyond, (void)before, (void)x; /* it ends the program there */
#else
    assert_fails(ad_call_primitive(&beyond, &x, 1, NULL), AD_ERROR_VALUE, "far: eval writes beyond the 24 bytes of output 0");
    assert_fails(ad_call_primitive(&before, &x, 1, NULL), AD_ERROR_VALUE, "near: eval writes beyond the 24 bytes of output 0");
#endif
}
END_TEST

/* ---- rules keep nothing ---- */

static ad_array *kept;

static ad_array *keeps_what_comes(const ad_node *node, int operand, ad_array *g)
{
    (void)node, (void)operand;
    kept = ad_retain(g);
    return ad_mul(g, 2);
}

static ad_array *keeps_its_input(const ad_node *node, int operand, ad_array *g)
{
    kept = ad_retain(ad_node_input(node, operand));
    return ad_mul(g, kept);
}

static ad_array *keeps_its_output(const ad_node *node, int operand, ad_array *g)
{
    (void)operand;
    kept = ad_retain(ad_node_output(node, 0));
    return ad_mul(g, kept);
}

static bool keeps_in_pull(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents)
{
    (void)node, (void)wanted;
    kept = ad_retain(g[0]);
    return (cotangents[0] = ad_mul(g[0], 2)) != NULL;
}

static ad_primitive keeper;

static ad_array *sum_of_keeper(ad_array *x)
{
    ad_array *y = ad_mul(x, 3);
    return ad_sum(ad_call_primitive(&keeper, &y, 1, NULL));
}

START_TEST(rules_keep_nothing)
{
    static const ad_primitive keepers[] = {
        { .name = "keeper", .infer = like_the_input, .eval = copy, .vjp = keeps_what_comes, .jvp = keeps_what_comes },
        { .name = "keeper", .infer = like_the_input, .eval = copy, .vjp = keeps_its_input, .jvp = keeps_its_input, .saves = AD_SAVE_INPUTS },
        { .name = "keeper", .infer = like_the_input, .eval = copy, .vjp = keeps_its_output, .jvp = keeps_its_output, .saves = AD_SAVE_OUTPUT },
        { .name = "keeper", .infer = like_the_input, .eval = copy, .pull = keeps_in_pull, .jvp = keeps_what_comes },
    };
    ad_array *x = VECTOR(1, 2);
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
        for (int forward = 0; forward < 2; forward++) {
            AD_SCOPE;
            ad_array *tangent;
            keeper = keepers[i];
            assert_fails(forward ? ad_jvp(sum_of_keeper, x, x, &tangent) : ad_grad(sum_of_keeper)(x), AD_ERROR_TRANSFORM, "keeper: a rule keeps an array of shape (2,)");
            ad_release(kept);
        }
    keeper = (ad_primitive){ .name = "keeper", .infer = like_the_input, .eval = copy, .vjp = pass_on, .jvp = pass_on };
    assert_array(ad_grad(sum_of_keeper)(x), AD_SHAPE(2), 0, 3, 3);
}
END_TEST

/* ---- the tape, and the form of what rules give ---- */

static ad_array *breaks_its_slot(ad_array *x)
{
    const struct ad_tape *tape = ad_current()->tape;
    ad_array *y = ad_mul(x, VECTOR(1, 2));
    struct ad_slot *slot = ad_slot_at(&tape->slots, y->slot);
    uint32_t parent = slot->parents[0];
    uint64_t mask = slot->mask;
    ck_assert(ad_slot_verified(tape, y->slot));
    slot->parents[0] = y->slot;
    assert_fails(ad_slot_verified(tape, y->slot), AD_ERROR_TRANSFORM, "which is no older");
    slot->parents[0] = y->slot - 2; /* the floor of the level, to which it lends its bit */
    ad_slot_at(&tape->slots, y->slot - 2)->mask = 0;
    assert_fails(ad_slot_verified(tape, y->slot), AD_ERROR_TRANSFORM, "which depends on no level in sight");
    slot->parents[0] = parent;
    slot->mask = mask | 4;
    assert_fails(ad_slot_verified(tape, y->slot), AD_ERROR_TRANSFORM, "has the mask 5; its parents have 1");
    slot->mask = mask;
    ck_assert(ad_slot_verified(tape, y->slot));
    return ad_sum(y);
}

START_TEST(parents_come_first_and_lend_their_levels)
{
    assert_array(ad_grad(breaks_its_slot)(VECTOR(5, 6)), AD_SHAPE(2), 0, 1, 2);
}
END_TEST

START_TEST(derivatives_have_the_form_of_what_they_belong_to)
{
    static const ad_primitive op = { .name = "formed" };
    ad_array *x = VECTOR(1, 2);
    ck_assert(ad_form_verified(&op, "cotangent", 0, x, x));
    assert_fails(ad_form_verified(&op, "cotangent", 1, ad_astype(x, AD_F32), x), AD_ERROR_TRANSFORM,
                 "formed: the cotangent of operand 1 is float32 of shape (2,), not float64 of shape (2,)");
    assert_fails(ad_form_verified(&op, "tangent", 0, VECTOR(1, 2, 3), x), AD_ERROR_TRANSFORM,
                 "formed: the tangent of output 0 is float64 of shape (3,), not float64 of shape (2,)");
    assert_fails(ad_form_verified(&op, "tangent", 0, ad_weak_real(1), ad_scalar(1)), AD_ERROR_TRANSFORM, "formed: the tangent of output 0");
}
END_TEST

RUN_TESTS("verified invariants", infer_gives_one_answer_and_options_stay, eval_stays_in_its_memory, rules_keep_nothing, parents_come_first_and_lend_their_levels,
          derivatives_have_the_form_of_what_they_belong_to)
