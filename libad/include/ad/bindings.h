/* For other languages. Here are values with a tag that says what they are. There are calls with arrays of such values,
 * for the functions that C reaches by macros and variable lists of arguments. Every function can be called by its name,
 * and the prototypes of all are data. docs/bindings.md shows what a binding makes of it.
 *
 * Every function that takes a callback passes a context on to it: ad_wrap, ad_parallel_for, ad_on_call,
 * ad_tree_map_with_context, ad_function_with_context, and functions with a p at the end of their signature, which is
 * given with each call. */
#ifndef AD_BINDINGS_H
#define AD_BINDINGS_H

#include <ad/create.h>
#include <ad/index.h>
#include <ad/random.h>
#include <ad/shape.h>
#include <ad/transform.h>
#include <ad/tree.h>

AD_BEGIN_DECLS

/** What a tagged value holds. */
typedef enum ad_kind {
    AD_KIND_NONE,     /**< nothing: an operand or option that is not given; the result of a function that gives none, or failed */
    AD_KIND_ARRAY,    /**< .array */
    AD_KIND_TREE,     /**< .tree */
    AD_KIND_FUNCTION, /**< .function */
    AD_KIND_POINTER,  /**< .pointer: a pullback, a stream, an address, a C function */
    AD_KIND_BOOL,     /**< .integer: 0 or 1 */
    AD_KIND_INTEGER,  /**< .integer */
    AD_KIND_REAL,     /**< .real */
    AD_KIND_COMPLEX,  /**< .parts: the real part, then the imaginary part */
    AD_KIND_DTYPE,    /**< .integer: an ad_dtype */
    AD_KIND_TEXT,     /**< .text */
    AD_KIND_KEY,      /**< .key */
    AD_KIND_INTEGERS, /**< .integers, .count of them: a shape, axes, or pairs of widths one after another */
    AD_KIND_INDICES,  /**< .indices, .count of them: the entries of an index */
    AD_KIND_LIST      /**< .list, .count of them: arrays or numbers, or a tree by position; or what ad_tree_from takes, names and values in turn */
} ad_kind;

/** A value with its kind. For AD_KIND_NONE all bytes are zero. What it points at belongs to the caller, or to the scope
 * in which it was made. */
typedef struct ad_tagged {
    ad_kind kind;
    int count; /**< of the lists */
    union {
        ad_array *array;
        ad_tree *tree;
        ad_fn *function;
        void *pointer;
        int64_t integer;
        double real;
        double parts[2];
        const char *text;
        ad_key key;
        const int64_t *integers;
        const ad_index *indices;
        const struct ad_tagged *list;
    };
} ad_tagged;

/** A value by name: an option. */
typedef struct ad_named {
    const char *name;
    ad_tagged value;
} ad_named;

/* ---- Calls with an array of arguments: ad_call, ad_vjp and so on, as in ad/transform.h and ad/inspect.h ----
 *
 * Arguments follow fn's signature, in order: an array or a number for a, a tree or a list for t, a pointer for p, a
 * number for i, l and d. The result is an array or a tree, or of kind AD_KIND_NONE on failure. Errors of all: another
 * number of arguments; an argument of another kind. */

/** ad_call(fn, ...). */
AD_API ad_tagged ad_call_tagged(ad_fn *fn, const ad_tagged *arguments, int count);

/** The value of fn; *gradient gets its gradient in argument argnum. The same as calling ad_value_and_grad(fn,
 * argnum). */
AD_API ad_tagged ad_value_and_grad_tagged(ad_fn *fn, int argnum, const ad_tagged *arguments, int count, ad_tagged *gradient);

/** ad_vjp(fn, ..., &pull): the value, and a pullback in the first argument. On failure *pull is NULL. */
AD_API ad_tagged ad_vjp_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_pullback **pull);

/** Applies a pullback. ybar is like the output, the result like the argument. */
AD_API ad_tagged ad_vjp_apply_tagged(ad_pullback *pull, const ad_tagged *ybar);

/** ad_jvp(fn, ..., v, &tangent). The arguments are those of fn and then v. *tangent gets the tangent. */
AD_API ad_tagged ad_jvp_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_tagged *tangent);

/** ad_fixed_point(fn, x0, a, ...). */
AD_API ad_tagged ad_fixed_point_tagged(ad_fn *fn, const ad_tagged *arguments, int count);

/** ad_check_grads(fn, x, ..., options). .numbers and .arguments of the options are not read. */
AD_API bool ad_check_grads_tagged(ad_fn *fn, const ad_tagged *arguments, int count, ad_check_options options);

/** What ad_print_trace(fn, ...) prints, as text; with `dot`, what ad_trace_dot writes.
 *
 * @param title  stands in front, but not with `dot`; NULL: nothing does
 * @return       the caller frees it with free(); NULL and an error on failure */
AD_API char *ad_trace_text(const char *title, ad_fn *fn, const ad_tagged *arguments, int count, bool dot);

/** What ad_tree_print prints, as text. The caller frees it with free(). NULL on failure. */
AD_API char *ad_tree_tostring(const ad_tree *t);

/* ---- Calls by name ---- */

/** Calls a function of libad by its name, "ad_sum", with operands in order and options by name.
 *
 * The name is that of an exported function, or what C programs write: "ad_grad", "ad_einsum", "ad_vjp" call ad_grad_fn,
 * ad_einsum_from, ad_vjp_tagged. "ad_sum" calls ad_sum_with. With AD_KIND_INTEGERS, "ad_expand_dims" and "ad_moveaxis"
 * are those of several axes. With AD_KIND_INDICES, "ad_at" is ad_at_list.
 *
 * Operands are what the prototype says. Where it has an array, a number may be given, which is weakly typed as a C
 * number. Where it has a tree, a list of arrays may be given, and also where it has a pointer and a count, as
 * ad_einsum_from does. If these are the last parameters, the operands that are left make that list. A dtype may be
 * given by its name. AD_KIND_NONE is NULL. Real numbers without a fraction count as integers. An operand may also be
 * given by its name, among the options.
 *
 * Options are the fields of the function's struct of options. Those that are not given have their defaults.
 * AD_KIND_NONE is AD_NO_AXIS, AD_NO_DTYPE, NULL or the default. AD_KIND_INTEGERS for `axis` are `axes`, where a
 * function has both.
 *
 * @return  as the prototype says. A shape or axes are AD_KIND_INTEGERS, which last as long as the innermost scope. A
 *          pointer that is NULL is AD_KIND_NONE
 * Errors: no such function (the nearest name is given), or one that takes a variable list; no such option (those that
 * exist are given); an operand that is missing, or one too many; a name that is given twice; a kind that does not fit
 * (AD_ERROR_VALUE); then the errors of the function. */
AD_API ad_tagged ad_call_named(const char *name, const ad_tagged *operands, int operand_count, const ad_named *options, int option_count);

/* ---- Prototypes ---- */

/** C types of parameters, results and options. */
typedef enum ad_type {
    AD_TYPE_VOID,
    AD_TYPE_ARRAY,    /**< ad_array * */
    AD_TYPE_TREE,     /**< ad_tree * */
    AD_TYPE_FUNCTION, /**< ad_fn * */
    AD_TYPE_POINTER,  /**< any other pointer */
    AD_TYPE_BOOL,
    AD_TYPE_INT,      /**< int, and enumerations other than ad_dtype */
    AD_TYPE_INT64,
    AD_TYPE_UINT64,   /**< uint64_t, size_t */
    AD_TYPE_REAL,     /**< double */
    AD_TYPE_COMPLEX,  /**< ad_complex */
    AD_TYPE_DTYPE,    /**< ad_dtype */
    AD_TYPE_TEXT,     /**< const char *; a char * that is a result is freed with free() */
    AD_TYPE_FORMAT,   /**< const char * and its arguments, as printf's; by name a text without directives */
    AD_TYPE_KEY,      /**< ad_key */
    AD_TYPE_SHAPE,    /**< ad_shape */
    AD_TYPE_AXES,     /**< ad_axes */
    AD_TYPE_WIDTHS,   /**< ad_widths */
    AD_TYPE_INDICES,  /**< ad_index_list */
    AD_TYPE_TAGGED,   /**< ad_tagged */
    AD_TYPE_ARRAYS,   /**< ad_array *const *, followed by an int parameter: their count */
    AD_TYPE_NUMBERS,  /**< const ad_number *, and their count */
    AD_TYPE_ITEMS,    /**< const ad_tree_item *, and their count */
    AD_TYPE_VALUES,   /**< const ad_tagged *, and their count */
    AD_TYPE_OTHER     /**< what no tagged value holds: such a function cannot be called by name, such an option cannot be set */
} ad_type;

/** A parameter of a function. */
typedef struct ad_parameter {
    const char *name;
    ad_type type;
} ad_parameter;

/** An option: a field of the struct that is the last parameter of the function. */
typedef struct ad_option {
    const char *name;
    ad_type type;
    unsigned offset; /**< in the struct, in bytes */
    ad_tagged value; /**< the default; AD_KIND_NONE: all bytes are zero */
} ad_option;

/** A function that libad exports. */
typedef struct ad_prototype {
    const char *name; /**< "ad_sum_with" */
    const char *text; /**< "ad_array *ad_sum_with(ad_array *x, ad_reduce_options options)" */
    ad_type result;
    int parameter_count; /**< not counting the options */
    int option_count;    /**< 0: the function takes no options */
    unsigned options_size, options_align; /**< of the struct, in bytes */
    const ad_parameter *parameters;
    const ad_option *options;
    void (*pointer)(void);
} ad_prototype;

/** How many functions there are, and each of them, in the order of strcmp. Out of range: NULL and an error. */
AD_API int ad_prototype_count(void);
AD_API const ad_prototype *ad_prototype_at(int i);

/** The function that ad_call_named calls by this name; NULL and an error if there is none. */
AD_API const ad_prototype *ad_prototype_of(const char *name);

AD_END_DECLS

#endif
