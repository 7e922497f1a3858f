/* Steps of optimizers in one pass: operations that are constants of every derivative, so they are called only where
 * nothing is being differentiated.
 *
 * A step through operations writes and reads every intermediate array, up to fifteen for adam, which stay until the
 * scope around closes. Here each number is read and written once. The expressions round as the operations do: in the
 * same order, with scalars first converted to the arrays' dtype. */
#include "step.h"
#include <float.h>

/* The operands of a rule: x and g, and v and m if it has them. Its results: x, v and m. */
enum { X, G, V, M };

struct arrays {
    const void *in[4];
    void *out[3];
};

struct constants {
    double step, momentum, beta1, rest1, beta2, rest2, epsilon, m_sum, v_sum, kept;
};

/* Each loop is compiled for the processor that the compiler was told of, and for AVX2 as well. A vector of any length
 * gives the same bits. */
#if defined __x86_64__ && !defined __AVX2__
#define HAS_AVX2 1
#define AVX2     __attribute__((target("avx2")))
#endif

#define REAL       float
#define SQRT       sqrtf
#define TINY       FLT_MIN
#define TARGET
#define NAME(name) name##_float
#include "step.inc"
#ifdef HAS_AVX2
#define TARGET     AVX2
#define NAME(name) name##_float_avx2
#include "step.inc"
#endif
#undef REAL
#undef SQRT
#undef TINY

#define REAL       double
#define SQRT       sqrt
#define TINY       DBL_MIN
#define TARGET
#define NAME(name) name##_double
#include "step.inc"
#ifdef HAS_AVX2
#define TARGET     AVX2
#define NAME(name) name##_double_avx2
#include "step.inc"
#endif

typedef void step_function(const struct adnn_step *s, int64_t size, const struct arrays *a);

static step_function *step_function_of(bool single)
{
#ifdef HAS_AVX2
    if (__builtin_cpu_supports("avx2"))
        return single ? step_float_avx2 : step_double_avx2;
#endif
    return single ? step_float : step_double;
}

static bool infer(const ad_node *node, ad_spec *outputs)
{
    for (int k = 0; k < ad_node_primitive(node)->outputs; k++)
        outputs[k] = (ad_spec){ ad_node_dtype(node, X), ad_node_shape(node, X) };
    return true;
}

static bool eval(const ad_node *node, void *const *outputs)
{
    const struct adnn_step *s = ad_node_options(node);
    struct arrays a = { .in = { NULL } };
    for (int i = 0; i < ad_node_inputs(node); i++)
        if (!(a.in[i] = ad_data(ad_node_input(node, i))))
            return false;
    for (int k = 0; k < ad_node_primitive(node)->outputs; k++)
        a.out[k] = outputs[k];
    step_function_of(ad_node_dtype(node, X) == AD_F32)(s, ad_size(ad_node_input(node, X)), &a);
    return true;
}

static const ad_field step_fields[] = {
    AD_FIELD(struct adnn_step, optimizer.rule, INT),
    AD_FIELD(struct adnn_step, optimizer.step_size, REAL),
    AD_FIELD(struct adnn_step, optimizer.momentum, REAL),
    AD_FIELD(struct adnn_step, optimizer.beta1, REAL),
    AD_FIELD(struct adnn_step, optimizer.beta2, REAL),
    AD_FIELD(struct adnn_step, optimizer.epsilon, REAL),
    AD_FIELD(struct adnn_step, optimizer.weight_decay, REAL),
    AD_FIELD(struct adnn_step, optimizer.ad_unused_, ASIDE),
    AD_FIELD(struct adnn_step, m_sum, REAL),
    AD_FIELD(struct adnn_step, v_sum, REAL),
    AD_FIELD(struct adnn_step, kept, REAL),
    AD_FIELDS_END,
};

#define STEP_GIVING(count)                                                                                             \
    {                                                                                                                  \
        .name = "adnn_optimizer_update", .infer = infer, .eval = eval, .constant = true, .outputs = count,             \
        .options_size = sizeof(struct adnn_step), .fields = step_fields                                                                       \
    }

static const ad_primitive steps[] = { STEP_GIVING(1), STEP_GIVING(2), STEP_GIVING(3) };

/* The number of arrays of the state that the rule reads: v, m. Without momentum sgd stores the gradient itself. */
static int states(const adnn_optimizer *o)
{
    switch (o->rule) {
    case ADNN_SGD: return o->momentum != 0;
    case ADNN_ADAGRAD: return 1;
    default: return 2;
    }
}

static bool is_plain(ad_array *const *in, int count)
{
    ad_dtype dtype = ad_dtype_of(in[X]);
    bool plain = dtype == AD_F64 || dtype == AD_F32;
    for (int i = 0; plain && i < count; i++)
        plain = ad_dtype_of(in[i]) == dtype && ad_shape_equal(ad_shape_of(in[i]), ad_shape_of(in[X])) && !ad_is_traced(in[i]);
    return plain;
}

bool adnn_step_in_one_pass(const struct adnn_step *s, ad_array *g, ad_array **m, ad_array **v, ad_array **x)
{
    int count = states(&s->optimizer);
    ad_array *in[4] = { *x, g, *v, count == 2 ? *m : NULL }, *out[3] = { NULL };
    for (int i = 0; i < 2 + count; i++)
        if (!in[i])
            return false;
    if (!is_plain(in, 2 + count))
        return false;
    ad_call_primitive_many(&steps[count], in, 2 + count, s, out);
    *x = out[0];
    *v = count ? out[1] : g;
    if (count == 2)
        *m = out[2];
    return true;
}
