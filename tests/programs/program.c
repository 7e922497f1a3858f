/* Running random programs, and printing them; see program.h. What is printed does step by step what is run here. */
#include "program.h"
#include <stdlib.h>
#include <string.h>

#define OPERATION(count, expression) OPERATION_(__LINE__, expression)
#define OPERATION_(line, expression) OPERATION__(line, expression)
#define OPERATION__(line, expression)                                                                                  \
    static ad_array *operation_##line(ad_array *a, ad_array *b, ad_array *c, double n, int k)                          \
    {                                                                                                                  \
        (void)a, (void)b, (void)c, (void)n, (void)k;                                                                   \
        return expression;                                                                                             \
    }
#include "operations.h"
#undef OPERATION
#undef OPERATION_
#undef OPERATION__

#define OPERATION(count, expression)            OPERATION_(count, __LINE__, #expression)
#define OPERATION_(count, line, text)           OPERATION__(count, line, text)
#define OPERATION__(count, line, text)          { count, operation_##line, text },
const struct operation operations[] = {
#include "operations.h"
};
const int operation_count = sizeof operations / sizeof *operations;

/* ---- running ---- */

ad_array *program_argument(const struct program *program)
{
    return ad_random_normal(ad_random_key(program->seed), program->shape, .scale = 0.8);
}

ad_array *program_direction(const struct program *program)
{
    return ad_random_normal(ad_random_fold_in(ad_random_key(program->seed), 1), program->shape);
}

void program_constants(ad_array **slots)
{
    slots[1] = ad_add(ad_arange(3), 1);
    slots[2] = ad_greater(ad_arange(2), 0);
    slots[3] = ad_linspace(-1, 1.2, .num = 6, .dtype = AD_F64);
    slots[3] = ad_reshape(slots[3], AD_SHAPE(2, 3));
}

/* An inner function and the slots that it sees. */
struct closure {
    struct closure *next;
    const struct program *program;
    const struct block *block;
    ad_array *slots[MOST_SLOTS];
};
static struct closure *closures;

void program_forget_closures(void)
{
    while (closures) {
        struct closure *next = closures->next;
        free(closures);
        closures = next;
    }
}

static struct closure *close_over(const struct program *program, int block, ad_array **slots)
{
    struct closure *closure = calloc(1, sizeof *closure);
    closure->next = closures;
    closure->program = program;
    closure->block = &program->block[block];
    memcpy(closure->slots, slots, sizeof closure->slots);
    return closures = closure;
}

static ad_array *run_block(const struct program *program, const struct block *block, ad_array **slots)
{
    for (int i = 0; i < block->count; i++)
        if (block->steps[i].call != CALL_DROPPED && !(slots[block->first + i] = apply_step(program, &block->steps[i], slots)))
            return NULL;
    return slots[block->result];
}

static ad_array *inner(ad_array *x, void *context)
{
    const struct closure *closure = context;
    ad_array *slots[MOST_SLOTS];
    memcpy(slots, closure->slots, sizeof slots);
    slots[closure->block->argument] = x;
    return run_block(closure->program, closure->block, slots);
}

static ad_array *inner_scoped(ad_array *x, void *context)
{
    AD_SCOPE;
    return ad_escape(inner(x, context));
}

static ad_array *inner_sum(ad_array *x, void *context)
{
    return ad_sum(ad_mul(inner(x, context), 1.0));
}

static ad_array *inner_of_tree(ad_tree *t, void *context)
{
    return ad_mul(inner_sum(ad_tree_get(t, "p"), context), ad_sum(ad_tree_get(t, "q/0")));
}

static ad_array *contraction(ad_array *x, ad_array *a)
{
    return ad_add(ad_mul(0.3, ad_sin(x)), ad_tanh(a));
}

static ad_array *pulled(ad_array *x, void *context)
{
    ad_pullback *pull;
    ad_array *y = ad_vjp(inner, x, context, &pull);
    ad_array *g = y ? ad_add(ad_vjp_apply(pull, y), ad_vjp_apply(pull, ad_ones_like(y))) : NULL;
    ad_vjp_free(pull);
    return g;
}

static ad_array *pushed(ad_array *x, ad_array *v, void *context)
{
    ad_array *tangent;
    return ad_jvp(inner, x, context, v, &tangent) ? tangent : NULL;
}

static ad_array *solved(ad_array *x, void *context)
{
    ad_array *a = inner(x, context);
    return ad_fixed_point(contraction, ad_zeros_like(a), a);
}

ad_array *apply_step(const struct program *program, const struct step *step, ad_array **slots)
{
    ad_array *a = slots[step->operand[0]], *b = slots[step->operand[1]], *c = slots[step->operand[2]];
    void *closure = step->call == CALL_NONE ? NULL : close_over(program, step->block, slots);
    switch (step->call) {
    case CALL_PLAIN: return inner(a, closure);
    case CALL_SCOPED: return inner_scoped(a, closure);
    case CALL_CHECKPOINT: return ad_checkpoint(inner)(a, closure);
    case CALL_GRAD: return ad_grad(inner_sum)(a, closure);
    case CALL_JVP: return pushed(a, b, closure);
    case CALL_VJP: return pulled(a, closure);
    case CALL_TREE_GRAD: return ad_flatten(ad_grad(inner_of_tree)(ad_tree_of("p", a, "q", ad_list_of(b, 1)), closure));
    case CALL_HVP: return ad_hvp(inner_sum)(a, closure, a);
    case CALL_JACOBIAN: return ad_sum(ad_jacobian(inner)(a, closure), .axis = 0);
    case CALL_DERIV: return ad_deriv(inner)(a, closure);
    case CALL_FIXED_POINT: return solved(a, closure);
    default: return operations[step->operation].apply(a, b, c, step->n, step->k);
    }
}

ad_array *program_value(ad_array *x, void *context)
{
    const struct program *program = context;
    ad_array *slots[MOST_SLOTS] = { x };
    program_constants(slots);
    ad_array *y = run_block(program, &program->block[0], slots);
    return ad_sum(ad_mul(y, ad_sin(ad_add(1, ad_reshape(ad_arange(ad_size(y)), ad_shape_of(y))))));
}

/* ---- printing ---- */

static void print_call(FILE *stream, const struct step *step, int slot)
{
    int f = step->block;
    switch (step->call) {
    case CALL_PLAIN: fprintf(stream, "v[%d] = f%d(a, closed(v));", slot, f); return;
    case CALL_SCOPED: fprintf(stream, "AD_SCOPE; v[%d] = ad_escape(f%d(a, closed(v)));", slot, f); return;
    case CALL_CHECKPOINT: fprintf(stream, "v[%d] = ad_checkpoint(f%d)(a, closed(v));", slot, f); return;
    case CALL_GRAD: fprintf(stream, "v[%d] = ad_grad(sum_of_f%d)(a, closed(v));", slot, f); return;
    case CALL_JVP: fprintf(stream, "ad_jvp(f%d, a, closed(v), b, &v[%d]);", f, slot); return;
    case CALL_VJP:
        fprintf(stream, "ad_pullback *pull; ad_array *y = ad_vjp(f%d, a, closed(v), &pull);\n", f);
        fprintf(stream, "      v[%d] = ad_add(ad_vjp_apply(pull, y), ad_vjp_apply(pull, ad_ones_like(y))); ad_vjp_free(pull);", slot);
        return;
    case CALL_TREE_GRAD:
        fprintf(stream, "v[%d] = ad_flatten(ad_grad(tree_f%d)(ad_tree_of(\"p\", a, \"q\", ad_list_of(b, 1)), closed(v)));", slot, f);
        return;
    case CALL_HVP: fprintf(stream, "v[%d] = ad_hvp(sum_of_f%d)(a, closed(v), a);", slot, f); return;
    case CALL_JACOBIAN: fprintf(stream, "v[%d] = ad_sum(ad_jacobian(f%d)(a, closed(v)), .axis = 0);", slot, f); return;
    case CALL_DERIV: fprintf(stream, "v[%d] = ad_deriv(f%d)(a, closed(v));", slot, f); return;
    case CALL_FIXED_POINT:
        fprintf(stream, "ad_array *y = f%d(a, closed(v)); v[%d] = ad_fixed_point(contraction, ad_zeros_like(y), y);", f, slot);
        return;
    default: return;
    }
}

static void print_step(FILE *stream, const struct step *step, int slot)
{
    const int *o = step->operand;
    bool is_operation = step->call == CALL_NONE;
    int operands = is_operation ? operations[step->operation].operands : step->call == CALL_JVP || step->call == CALL_TREE_GRAD ? 2 : 1;
    fprintf(stream, "    {\n      ad_array *a = v[%d]", o[0]);
    for (int i = 1; i < operands; i++)
        fprintf(stream, ", *%c = v[%d]", 'a' + i, o[i]);
    if (is_operation)
        fprintf(stream, "; double n = %.17g; int k = %d; (void)n, (void)k;\n      v[%d] = %s;", step->n, step->k, slot, operations[step->operation].text);
    else
        fprintf(stream, ";\n      ");
    print_call(stream, step, slot);
    fprintf(stream, "\n    }\n");
}

static void print_block(FILE *stream, const struct program *program, int number)
{
    const struct block *block = &program->block[number];
    for (int i = 0; i < block->count; i++)
        if (block->steps[i].call != CALL_NONE && block->steps[i].call != CALL_DROPPED)
            print_block(stream, program, block->steps[i].block);
    fprintf(stream, "static ad_array *f%d(ad_array *x, void *context)\n{\n    ad_array *v[%d];\n    memcpy(v, context, sizeof v);\n    v[%d] = x;\n", number,
            MOST_SLOTS, block->argument);
    for (int i = 0; i < block->count; i++)
        if (block->steps[i].call != CALL_DROPPED)
            print_step(stream, &block->steps[i], block->first + i);
    fprintf(stream, "    return v[%d];\n}\n", block->result);
    fprintf(stream, "ad_array *sum_of_f%d(ad_array *x, void *context)\n{\n    return ad_sum(ad_mul(f%d(x, context), 1.0));\n}\n", number, number);
    fprintf(stream,
            "ad_array *tree_f%d(ad_tree *t, void *context)\n{\n"
            "    return ad_mul(sum_of_f%d(ad_tree_get(t, \"p\"), context), ad_sum(ad_tree_get(t, \"q/0\")));\n}\n\n",
            number, number);
}

void program_print(FILE *stream, const struct program *program)
{
    fprintf(stream,
            "#include <ad/ad.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
            "static void *closed(ad_array **v)\n{\n    return memcpy(malloc(%d * sizeof *v), v, %d * sizeof *v);\n}\n"
            "ad_array *contraction(ad_array *x, ad_array *a)\n{\n    return ad_add(ad_mul(0.3, ad_sin(x)), ad_tanh(a));\n}\n\n",
            MOST_SLOTS, MOST_SLOTS);
    print_block(stream, program, 0);
    fprintf(stream,
            "static ad_array *program(ad_array *x)\n{\n    ad_array *v[%d] = { x };\n"
            "    v[1] = ad_add(ad_arange(3), 1);\n    v[2] = ad_greater(ad_arange(2), 0);\n"
            "    v[3] = ad_reshape(ad_linspace(-1, 1.2, .num = 6), AD_SHAPE(2, 3));\n"
            "    ad_array *y = f0(x, closed(v));\n"
            "    return ad_sum(ad_mul(y, ad_sin(ad_add(1, ad_reshape(ad_arange(ad_size(y)), ad_shape_of(y))))));\n}\n\n"
            "int main(void)\n{\n    AD_SCOPE;\n    ad_shape shape = { .ndim = %d, .dim = {",
            MOST_SLOTS, program->shape.ndim);
    for (int i = 0; i < program->shape.ndim; i++)
        fprintf(stream, " %lld,", (long long)program->shape.dim[i]);
    fprintf(stream,
            " 0 } };\n    ad_array *x = ad_random_normal(ad_random_key(%llu), shape, .scale = 0.8);\n"
            "    puts(ad_check_grads(program, x, .order = 3) ? \"right\" : ad_error_message());\n}\n",
            (unsigned long long)program->seed);
}
