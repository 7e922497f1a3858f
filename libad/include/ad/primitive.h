/* Primitives: what an operation is. The library's own operations use this record and nothing else.
 *
 * Words: a node is one call of a primitive on given inputs. A rule is written with public operations, so that it can be
 * differentiated itself. A tangent t is a direction in the space of an input. A cotangent g is a linear function on the
 * space of an output, paired as Re sum(g v), without conjugation. */
#ifndef AD_PRIMITIVE_H
#define AD_PRIMITIVE_H

#include <ad/base.h>
#include <stdio.h>

AD_BEGIN_DECLS

/** One call of a primitive, as its rules see it. */
typedef struct ad_node ad_node;

typedef struct ad_primitive ad_primitive;

/** What an output will be. It is known before anything is computed. */
typedef struct ad_spec {
    ad_dtype dtype;
    ad_shape shape;
} ad_spec;

/** Which arrays the reverse rule reads, one bit for each. What is not asked for is freed as soon as the user's code
 * drops it. */
typedef enum ad_saves {
    AD_SAVE_NOTHING = 0,
    AD_SAVE_INPUTS = 0x1fffff,    /**< all of them */
    AD_SAVE_OTHERS = 0x200000,    /**< for the cotangent of one operand, the other inputs */
    AD_SAVE_OUTPUT = 0x3fc00000   /**< all of them */
} ad_saves;

/** The bit of one input, or of one output. Inputs from 20 on share a bit. */
#define AD_SAVE_INPUT(i)     (1u << ((i) < 20 ? (i) : 20))
#define AD_SAVE_OUTPUT_OF(k) (1u << (22 + (k)))

/** How the result depends on the operands that are not `parameters`. */
typedef enum ad_linearity {
    AD_NONLINEAR,
    AD_LINEAR,     /**< in all of them together (sum, concatenate). The forward rule is the operation on the tangents, with zeros for operands that have
                        none, including integers and bools */
    AD_MULTILINEAR /**< in each of them (matmul). The forward rule is the product rule: the sum over the operands that have a tangent of the operation with
                        that operand replaced by its tangent */
} ad_linearity;

enum { AD_MAX_OUTPUTS = 8 };

/** What a field of a primitive's options holds. */
typedef enum ad_field_kind {
    AD_FIELD_INT,         /**< an int, or an enum */
    AD_FIELD_INT64,       /**< an int64_t */
    AD_FIELD_REAL,        /**< a double; all NaN are equal */
    AD_FIELD_FLAG,        /**< a bool, written where it is true */
    AD_FIELD_DTYPE,       /**< an ad_dtype */
    AD_FIELD_TEXT,        /**< characters in place, ended by 0 */
    AD_FIELD_AXES,        /**< an ad_axes */
    AD_FIELD_AXIS_BITS,   /**< a uint32_t: bit i stands for axis i */
    AD_FIELD_PERMUTATION, /**< a uint8_t that counts, and as many more behind it: an order of that many axes */
    AD_FIELD_ASIDE,       /**< a member that does not change what is computed, such as a name for errors: neither written nor compared */
    AD_FIELD_SHAPE,       /**< an ad_shape *, which a recorded call copies; NULL: none */
    AD_FIELD_WIDTHS,      /**< an ad_widths *, which a recorded call copies; NULL: none */
    AD_FIELD_OTHER        /**< anything else; `functions` says what it is */
} ad_field_kind;

/** What can be done with a field of kind AD_FIELD_OTHER. Each is optional. */
typedef struct ad_field_functions {
    void (*write)(const void *field, FILE *out); /**< the value as users write it in C; NULL: the field is not written */
    bool (*equal)(const void *a, const void *b); /**< whether two calls have the same value; NULL: if they have the same bytes */
    uint64_t (*hash)(const void *field);         /**< the same for values that are equal; NULL: the hash of the bytes */
    bool (*keep)(void *field);       /**< called on a copy of the options: makes what the field refers to outlast the original. False and an error on
                                          failure, and there is nothing to drop. NULL: the field refers to nothing that goes */
    void (*drop)(const void *field); /**< gives up what keep made, before the copy goes */
} ad_field_functions;

/** A field of a primitive's options. A table of them ends with AD_FIELDS_END, and describes every member. It is all
 * that is known of the options: by it a call is printed, compared, hashed, and kept for later. */
typedef struct ad_field {
    const char *name; /**< as users write it; "" for an argument without a name */
    uint16_t offset, size;
    uint8_t kind;                        /**< ad_field_kind */
    bool value_only;                     /**< for fields that are kept: no rule reads it, so a recorded call that will not be computed again leaves all of it
                                              0 */
    const ad_field_functions *functions; /**< for AD_FIELD_OTHER */
} ad_field;

/** A field under its name: AD_FIELD(struct reduction, keepdims, FLAG). The second one has no name. */
#define AD_FIELD(type, field, kind)         { #field, offsetof(type, field), sizeof(((type *)0)->field), AD_FIELD_##kind, false, NULL }
#define AD_FIELD_UNNAMED(type, field, kind) { "", offsetof(type, field), sizeof(((type *)0)->field), AD_FIELD_##kind, false, NULL }

/** A field with functions of its own: AD_FIELD_OF(struct training, run, &run_functions). */
#define AD_FIELD_OF(type, field, functions) { #field, offsetof(type, field), sizeof(((type *)0)->field), AD_FIELD_OTHER, false, functions }

/** Options that are one value: AD_FIELD_WHOLE(ad_axes, "axes", AXES). */
#define AD_FIELD_WHOLE(type, name, kind) { name, 0, sizeof(type), AD_FIELD_##kind, false, NULL }

/** The end of a table. */
#define AD_FIELDS_END { NULL, 0, 0, 0, false, NULL }

struct ad_primitive {
    /** The name as users write it. Every error sentence begins with it. */
    const char *name;

    /** Checks the inputs and says what the outputs will be. Or it sets an error that names the operation and the
     * values, and returns false. It reads options, shapes and dtypes (ad_node_shape, ad_node_dtype, ad_node_is_number),
     * never an array. */
    bool (*infer)(const ad_node *node, ad_spec *outputs);

    /** Computes the outputs into new C-contiguous memory, one pointer for each; false and an error on failure. */
    bool (*eval)(const ad_node *node, void *const *outputs);

    /** In place of eval, for one output that shares an input's memory (reshape). It gives the output, of the dtype and
     * shape that infer said. The output may be an input, or an array that somebody keeps: it gets a header of its own.
     * While eval, view or compose runs, no differentiation is in sight, so nothing that they do is recorded beside the
     * call itself. */
    ad_array *(*view)(const ad_node *node, const ad_spec *output);

    /** In place of eval, for one output that is computed with public operations (softmax). It gives the output, of the
     * dtype and shape that infer said. What else it makes is dropped. */
    ad_array *(*compose)(const ad_node *node, const ad_spec *output);

    /** A short way in place of infer and eval, for calls whose one or two inputs are 0-d float64 or C numbers. It gives
     * the float64 output from their values. If there is one input, y is x. Optional. */
    double (*scalar)(const ad_primitive *primitive, const void *options, double x, double y);

    /** A short way in place of infer and eval, for the plainest calls, such as those on small dense arrays of one
     * shape. It makes the output, a new array that nobody else holds, or NULL and an error. False if the call is not
     * one of those: it then goes the general way. Nothing that it calls may be recorded. Optional. */
    bool (*direct)(const ad_node *node, ad_array **output);

    /** For an elementwise function of one output: dy/d(operand), which serves both modes. NULL without an error means
     * zero, and ad_weak_integer(1) means one. */
    ad_array *(*derivative)(const ad_node *node, int operand);

    /** Reverse rule: the cotangent of an operand, given that of the output. The engine sums over broadcast axes, takes
     * the real part for a real operand, and converts to its dtype. NULL without an error means zero. */
    ad_array *(*vjp)(const ad_node *node, int operand, ad_array *g);

    /** In place of vjp, where the cotangents of several operands have work in common. It gives those of all operands
     * that are `wanted` at once, in `cotangents`, which is all NULL before. Bit i of wanted stands for operand i, one
     * of the first 32; those beyond may be given too. g[k] is the cotangent of output k, where NULL means zero. What it
     * leaves NULL is zero. False and an error on failure. */
    bool (*pull)(const ad_node *node, ad_array *const *g, unsigned wanted, ad_array **cotangents);

    /** In place of vjp, for a linear primitive whose output is a part of its first input (x[i], a gather), and whose
     * other inputs are parameters. It adds the cotangent of the first input, which is g in the place of the part and 0
     * elsewhere, to `sum`. That is C-contiguous memory in the shape and dtype of that input. So a loop over parts costs
     * what the parts cost.
     *
     * zeros: `sum` is all 0 so far, so g may be copied. The rule works on memory: it reads the values of g, and of the
     * parameters that `saves` names, and nothing in it is recorded. The derivative of the rule is the primitive itself.
     * False and an error on failure. */
    bool (*vjp_into)(const ad_node *node, ad_array *g, void *sum, bool zeros);

    /** Beside vjp, where input 0 has the output's shape and dtype, and its cotangent is the output's but for a part (x
     * with something else at some places): makes it of g, the output's in C-contiguous memory, in place. Used where
     * nobody else sees g and the inputs are constants, when the other inputs have theirs, so that a loop of such calls
     * costs what the parts cost. Nothing in it is recorded. False and an error on failure. */
    bool (*vjp_within)(const ad_node *node, void *g);

    /** Forward rule: what tangent t of one operand adds to the tangent of output ad_node_target(node). */
    ad_array *(*jvp)(const ad_node *node, int operand, ad_array *t);

    ad_linearity linear;
    unsigned parameters; /**< operands in which there is no derivative (the index array of a gather, a mask): bit i stands for operand i, one of the first
                              32. The rule of a linear operation passes them on as they are. It is an error if one is being differentiated */
    bool (*is_parameter)(const ad_node *node, int operand); /**< in place of `parameters`, if the number of operands is not fixed; the reverse rule may read
                                                                 those operands, whatever `saves` says. Optional */
    unsigned saves;      /**< AD_SAVE_INPUT(0) | AD_SAVE_OUTPUT and so on */
    bool constant;       /**< the result is a constant of every derivative (comparisons, argmax) */
    int outputs;         /**< 0 means 1; at most AD_MAX_OUTPUTS */
    size_t options_size; /**< bytes of the options that a recorded node copies; 0: it keeps the pointer, which must stay valid. Rules read the options, and
                              in a checkpoint infer and eval read them once more */
    const ad_field *fields; /**< of the options: how they are kept, compared and printed. NULL: they are bytes, which are copied and compared as they are,
                                 and not shown */
    int code;            /**< free for use by primitives that share their functions */
    bool listed;         /**< users write the operands as one list (ad_stack(ad_list_of(a, b))) */
};

/** Calls a primitive of one output.
 *
 * @param inputs   count arrays, at least one
 * @param options  the primitive's options or context, given to its functions by ad_node_options
 * @return         the output, or NULL and an error
 * Errors: those of infer, eval, view and compose; a record that lacks what a call needs; a view or compose that gives
 * another shape or dtype than infer said. */
AD_API ad_array *ad_call_primitive(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options);

/** Calls a primitive of several outputs; false and an error on failure, with NULL in every output. */
AD_API bool ad_call_primitive_many(const ad_primitive *primitive, ad_array *const *inputs, int count, const void *options, ad_array **outputs);

/** The primitive that is called. Every function of a primitive may ask for it. */
AD_API const ad_primitive *ad_node_primitive(const ad_node *node);

/** The options that the call was given, or the node's copy of them if options_size is not 0. They are valid in the
 * function that asks. */
AD_API const void *ad_node_options(const ad_node *node);

/** Number of inputs. */
AD_API int ad_node_inputs(const ad_node *node);

/** An input. In infer there is none. In a reverse rule only the inputs that `saves` names can be read. Any other is
 * NULL and an error. */
AD_API ad_array *ad_node_input(const ad_node *node, int operand);

/** Output k. It can be read in a forward rule, and in a reverse rule if `saves` names it. */
AD_API ad_array *ad_node_output(const ad_node *node, int k);

/** Shape and dtype of an input, and whether it is a C number, which is weakly typed. These can be read in infer and in
 * every rule. */
AD_API ad_shape ad_node_shape(const ad_node *node, int operand);
AD_API ad_dtype ad_node_dtype(const ad_node *node, int operand);
AD_API bool ad_node_is_number(const ad_node *node, int operand);

/** What infer said of output k. It can be read while eval, view or compose runs. In any other function it is NULL and
 * an error. */
AD_API const ad_spec *ad_node_spec(const ad_node *node, int k);

/** For a reverse rule of several outputs: the cotangent of output k, or NULL if it has none (without an error if there
 * is such an output). The g that the rule is given is that of output 0. */
AD_API ad_array *ad_node_cotangent(const ad_node *node, int k);

/** For a forward rule of several outputs: the output whose tangent is asked for. */
AD_API int ad_node_target(const ad_node *node);

/** The library's own operations: their number, and each of them (NULL out of range). The order is not fixed. */
AD_API int ad_operation_count(void);
AD_API const ad_primitive *ad_operation(int i);

AD_END_DECLS

#endif
