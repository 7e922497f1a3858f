/* Programs that are made at random: what they are, running them, printing them as C.
 *
 * A program is a function of one array. It computes values one after another into slots; a step is an operation of
 * operations.h, or a call of an inner function, which sees the slots filled so far (a closure), through a
 * transformation. Slot 0 is the argument, the next ones are constants. */
#ifndef AD_PROGRAM_H
#define AD_PROGRAM_H

#include <ad/ad.h>
#include <stdio.h>

enum { MOST_SLOTS = 96, MOST_STEPS = 14, MOST_BLOCKS = 8, CONSTANTS = 3, FIRST_FREE = 1 + CONSTANTS };

/* How an inner function f is called; the first is no call but an operation. */
enum call {
    CALL_NONE,
    CALL_PLAIN,       /* f(a) */
    CALL_SCOPED,      /* f(a) in a scope of its own, its value escapes */
    CALL_CHECKPOINT,  /* ad_checkpoint(f)(a) */
    CALL_GRAD,        /* ad_grad of the sum of f */
    CALL_JVP,         /* the tangent along b */
    CALL_VJP,         /* a pullback of f's value times itself, added to one of ones */
    CALL_TREE_GRAD,   /* the gradient, flat, of the sum of f(p) times that of q, in a tree of p = a and q = b */
    CALL_HVP,         /* the Hessian of the sum of f times a */
    CALL_JACOBIAN,    /* the Jacobian of f, summed over its first axis */
    CALL_DERIV,       /* the tangent along ones */
    CALL_FIXED_POINT, /* x = 0.3 sin(x) + tanh(f(a)), solved for x */
    CALL_COUNT,
    CALL_DROPPED = CALL_COUNT /* a step that was taken away */
};

struct step {
    enum call call;
    int operation;  /* where call is CALL_NONE */
    int operand[3]; /* slots */
    double n;
    int k;
    int block; /* the inner function */
};

/* A function: its argument is in slot `argument`, the result of step i in slot first + i. */
struct block {
    int argument, first, count;
    struct step steps[MOST_STEPS];
    int result; /* a slot */
};

struct program {
    uint64_t seed;
    ad_shape shape; /* of the argument */
    int blocks, slots;
    struct block block[MOST_BLOCKS]; /* the first is the program */
};

/* What an operation takes, and its text. */
struct operation {
    int operands;
    ad_array *(*apply)(ad_array *a, ad_array *b, ad_array *c, double n, int k);
    const char *text;
};
extern const struct operation operations[];
extern const int operation_count;

/* The argument at which a program is tried, and a direction. */
ad_array *program_argument(const struct program *program);
ad_array *program_direction(const struct program *program);

/* Fills the slots of the constants, and applies one step; NULL and an error if it cannot be done. */
void program_constants(ad_array **slots);
ad_array *apply_step(const struct program *program, const struct step *step, ad_array **slots);

/* The program as a scalar function: a weighted sum of its result. context: the program. */
ad_array *program_value(ad_array *x, void *program);

/* Contexts of closures live until this is called: what is called again later finds them. */
void program_forget_closures(void);

/* The program as C, complete. */
void program_print(FILE *stream, const struct program *program);

#endif
