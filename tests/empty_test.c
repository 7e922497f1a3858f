/* Arrays without elements: shape, dtype and whether there is an error, for every function that takes them, as NumPy 2.4
 * and SciPy have it.
 *
 * A line gives the results for float32 arrays of shapes (0,), (0,3), (3,0) and (2,0,3), "-" for an error. Of softmax
 * and log_softmax, which SciPy refuses, the library gives what there is. */
#include "testing.h"
#include <stdio.h>

/* The shape as NumPy writes it, "-" for NULL. */
static void write_shape(const ad_array *y, char *text)
{
    ad_shape shape = y ? ad_shape_of(y) : AD_SCALAR_SHAPE;
    text += sprintf(text, y ? "(" : "-");
    for (int i = 0; i < shape.ndim; i++)
        text += sprintf(text, "%s%lld", i ? "," : "", (long long)shape.dim[i]);
    if (y)
        sprintf(text, shape.ndim == 1 ? ",)" : ")");
}

static void check_line(const char *expression, ad_array *y, ad_dtype dtype, const char *shapes, int place)
{
    char text[256], expected[256];
    for (int i = 0; i < place; i++)
        shapes = strchr(shapes, ' ') + 1;
    sscanf(shapes, "%255s", expected);
    write_shape(y, text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s, shape %d: %s, expected %s (%s)", expression, place, text, expected, ad_error_message());
    ck_assert_msg(!y || ad_dtype_of(y) == dtype, "%s, shape %d: %s", expression, place, y ? ad_dtype_name(ad_dtype_of(y)) : "");
    ad_clear_error();
}

#define EMPTY(dtype, shapes, ...) check_line(#__VA_ARGS__, __VA_ARGS__, dtype, shapes, place)

static void check_lines(ad_array *x, int place)
{
    EMPTY(AD_F32, "(0,0) (0,3) (3,0) (2,0,3)", ad_tril(x));
    EMPTY(AD_F32, "(0,0) (0,3) (3,0) (2,0,3)", ad_triu(x));
    EMPTY(AD_F32, "(0,0) (0,) (0,) -", ad_diag(x));
    EMPTY(AD_F32, "- (0,) (0,) (3,0)", ad_diagonal(x));
    EMPTY(AD_F32, "- () () (3,)", ad_trace(x));
    EMPTY(AD_F32, "() () () ()", ad_sum(x));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_sum(x, .axis = 0));
    EMPTY(AD_F32, "(1,) (0,1) (3,1) (2,0,1)", ad_sum(x, .axis = -1, .keepdims = true));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_prod(x, .axis = 0));
    EMPTY(AD_F32, "() () () ()", ad_mean(x));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_mean(x, .axis = 0));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_var(x, .axis = 0));
    EMPTY(AD_F32, "() () () ()", ad_std(x));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_std(x, .axis = 0));
    EMPTY(AD_F32, "() (0,) (3,) (2,0)", ad_std(x, .axis = -1));
    EMPTY(AD_F32, "- - (0,) (0,3)", ad_max(x, .axis = 0));
    EMPTY(AD_F32, "- (0,) - (2,0)", ad_max(x, .axis = -1));
    EMPTY(AD_F32, "- - (0,) (0,3)", ad_ptp(x, .axis = 0));
    EMPTY(AD_F32, "- (0,) - (2,0)", ad_ptp(x, .axis = -1));
    EMPTY(AD_I64, "- - (0,) (0,3)", ad_argmax(x, .axis = 0));
    EMPTY(AD_I64, "- (0,) - (2,0)", ad_argmin(x, .axis = -1));
    EMPTY(AD_BOOL, "() () () ()", ad_any(x));
    EMPTY(AD_BOOL, "() (3,) (0,) (0,3)", ad_all(x, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_cumsum(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_cumsum(x, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_cumprod(x, .axis = -1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_sort(x));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_sort(x, .axis = AD_NO_AXIS));
    EMPTY(AD_I64, "(0,) (0,3) (3,0) (2,0,3)", ad_argsort(x));
    EMPTY(AD_I64, "(0,) (0,3) (3,0) (2,0,3)", ad_argsort(x, .axis = 0));
    EMPTY(AD_F32, "() () () ()", ad_linalg_norm(x));
    EMPTY(AD_F32, "() () () -", ad_linalg_norm(x, .ord = 1));
    EMPTY(AD_F32, "() () () -", ad_linalg_norm(x, .ord = 2));
    EMPTY(AD_F32, "() () - -", ad_linalg_norm(x, .ord = -1));
    EMPTY(AD_F32, "() () () -", ad_linalg_norm(x, .ord = INFINITY));
    EMPTY(AD_F32, "() (0,) (3,) (2,0)", ad_linalg_norm(x, .axis = -1));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_linalg_norm(x, .axis = 0, .ord = 3));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_linalg_norm(x, .axis = 0, .ord = 0));
    EMPTY(AD_F32, "- () () -", ad_linalg_norm(x, .ord = AD_NORM_NUC));
    EMPTY(AD_F32, "() - - -", ad_linalg_norm(x, .ord = -2));
    EMPTY(AD_F32, "- (0,) (0,) (2,0)", ad_linalg_svdvals(x));
    EMPTY(AD_F32, "() () () ()", ad_logsumexp(x));
    EMPTY(AD_F32, "() (3,) (0,) (0,3)", ad_logsumexp(x, .axis = 0));
    EMPTY(AD_F32, "() (0,) (3,) (2,0)", ad_logsumexp(x, .axis = -1));
    EMPTY(AD_F32, "() (0,0) (3,3) -", ad_matmul(x, ad_transpose(x)));
    EMPTY(AD_F32, "() (0,0) (3,3) -", ad_dot(x, ad_transpose(x)));
    EMPTY(AD_F32, "() (0,0) (3,3) (2,0,2,0)", ad_inner(x, x));
    EMPTY(AD_F32, "(0,0) (0,0) (0,0) (0,0)", ad_outer(x, x));
    EMPTY(AD_F32, "() () () ()", ad_vdot(x, x));
    EMPTY(AD_F32, "() (0,) (3,) (2,0)", ad_vecdot(x, x));
    EMPTY(AD_F32, "(0,0) (0,3,0,3) (3,0,3,0) (2,0,3,2,0,3)", ad_tensordot(x, x, .axes = 0));
    EMPTY(AD_F32, "() - - -", ad_tensordot(x, x, .axes = 1));
    EMPTY(AD_F32, "() (0,) (3,) (2,0)", ad_einsum("...i,...i->...", x, x));
    EMPTY(AD_F32, "- (3,0) (0,3) -", ad_einsum("ij->ji", x));
    EMPTY(AD_F32, "- (0,0) (3,3) -", ad_einsum("ij,kj->ik", x, x));
    EMPTY(AD_F32, "(0,) - - -", ad_einsum("...i->i", x));
    EMPTY(AD_F32, "(0,) (0,3) (6,0) (4,0,3)", ad_concatenate(ad_list_of(x, x)));
    EMPTY(AD_F32, "(0,) (0,6) (3,0) (2,0,6)", ad_concatenate(ad_list_of(x, x), .axis = -1));
    EMPTY(AD_F32, "(2,0) (2,0,3) (2,3,0) (2,2,0,3)", ad_stack(ad_list_of(x, x)));
    EMPTY(AD_F32, "(0,) (0,6) (3,0) (2,0,3)", ad_hstack(ad_list_of(x, x)));
    EMPTY(AD_F32, "(2,0) (0,3) (6,0) (4,0,3)", ad_vstack(ad_list_of(x, x)));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_repeat(x, 2));
    EMPTY(AD_F32, "(0,) (0,3) (6,0) (4,0,3)", ad_repeat(x, 2, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,0) (3,0) (2,0,0)", ad_repeat(x, 0, .axis = -1));
    EMPTY(AD_F32, "(2,0) (0,6) (6,0) (2,0,6)", ad_tile(x, AD_SHAPE(2, 2)));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_roll(x, 1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_roll(x, 1, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_roll(x, 1, .axis = -1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_flip(x));
    EMPTY(AD_F32, "- (3,0) (0,3) (0,2,3)", ad_rot90(x));
    EMPTY(AD_F32, "(2,) (2,5) (5,2) (4,2,5)", ad_pad(x, 1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_pad(x, 0, .mode = "wrap"));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_ravel(x));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_reshape(x, AD_SHAPE(-1)));
    EMPTY(AD_F32, "(0,3) (0,3) (0,3) (0,3)", ad_reshape(x, AD_SHAPE(-1, 3)));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_squeeze(x));
    EMPTY(AD_F32, "(1,0) (1,0,3) (1,3,0) (1,2,0,3)", ad_expand_dims(x, AD_AXES(0)));
    EMPTY(AD_F32, "(0,) (0,) (0,) (0,)", ad_take(x, ad_zeros(AD_SHAPE(0), .dtype = AD_I64)));
    EMPTY(AD_F32, "(0,) (0,3) (0,0) (0,0,3)", ad_take(x, ad_zeros(AD_SHAPE(0), .dtype = AD_I64), .axis = 0));
    EMPTY(AD_F32, "- - (1,0) (1,0,3)", ad_take(x, ad_zeros(AD_SHAPE(1), .dtype = AD_I64), .axis = 0));
    EMPTY(AD_F32, "(0,) (0,3) (0,0) (0,0,3)", ad_at(x, ":0"));
    EMPTY(AD_F32, "(0,1) (0,3,1) (3,0,1) (2,0,3,1)", ad_at(x, "..., None"));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_at(x, "::-1"));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_where(ad_greater(x, 0), x, x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_clip(x, 0, 1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_add(x, 1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_sin(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_pow(x, 2));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_arctan2(x, x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_maximum(x, 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_mod(x, 2));
    EMPTY(AD_BOOL, "(0,) (0,3) (3,0) (2,0,3)", ad_isnan(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_real(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_abs(x));
    EMPTY(AD_F32, "(0,) (3,0) (0,3) (3,0,2)", ad_swapaxes(x, 0, -1));
    EMPTY(AD_F32, "(0,) (3,0) (0,3) (0,3,2)", ad_moveaxis(x, 0, -1));
    EMPTY(AD_F32, "(1,0) (0,3) (3,0) (2,0,3)", ad_atleast_2d(x));
    EMPTY(AD_F32, "(1,0,1) (0,3,1) (3,0,1) (2,0,3)", ad_atleast_3d(x));
    EMPTY(AD_F32, "(3,0) (3,0,3) (3,3,0) (3,2,0,3)", ad_linspace(x, x, .num = 3));
    EMPTY(AD_F32, "(0,0) (0,0,3) (0,3,0) (0,2,0,3)", ad_linspace(x, x, .num = 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_zeros_like(x));
    EMPTY(AD_F32, "(3,0) (3,0,3) (3,3,0) (3,2,0,3)", ad_logspace(x, x, .num = 3));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_take_along_axis(x, ad_argsort(x), -1));
    EMPTY(AD_F32, "- (0,3) (3,0) (2,0,3)", ad_fliplr(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_softmax(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_softmax(x, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_softmax(x, .axis = -1));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_log_softmax(x));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_log_softmax(x, .axis = 0));
    EMPTY(AD_F32, "(0,) (0,3) (3,0) (2,0,3)", ad_log_softmax(x, .axis = -1));
}

START_TEST(arrays_without_elements_are_those_of_numpy)
{
    const ad_shape shapes[] = { AD_SHAPE(0), AD_SHAPE(0, 3), AD_SHAPE(3, 0), AD_SHAPE(2, 0, 3) };
    for (int place = 0; place < 4; place++) {
        AD_SCOPE;
        check_lines(ad_zeros(shapes[place], .dtype = AD_F32), place);
        check_lines(ad_wrap(AD_F32, NULL, shapes[place], NULL, NULL), place);
    }
}
END_TEST

START_TEST(matrices_of_no_rows_over_no_memory_are_matrices)
{
    ad_array *a = ad_wrap(AD_F32, NULL, AD_SHAPE(2, 1, 0, 0), NULL, NULL);
    ck_assert(ad_data(a) != NULL);
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_inv(a)), AD_SHAPE(2, 1, 0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve(a, a)), AD_SHAPE(2, 1, 0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_cholesky(a)), AD_SHAPE(2, 1, 0, 0)));
    ck_assert_double_eq(ad_item(ad_sum(ad_linalg_det(a))), 2);
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
}
END_TEST

RUN_TESTS("empty", arrays_without_elements_are_those_of_numpy, matrices_of_no_rows_over_no_memory_are_matrices)
