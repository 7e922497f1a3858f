/* Matrices without symmetry: LU factors, eigenvalues, square roots, Sylvester's equation, band matrices. What they are,
 * by their definitions; their derivatives; bad input. golden_linalg_test.c has the figures of other libraries. */
#include "testing.h"

static bool is_complex(ad_array *x)
{
    return ad_dtype_of(x) == AD_C128 || ad_dtype_of(x) == AD_C64;
}

/* A function of real or complex results that depends on every part of every element. */
static ad_array *wave(ad_array *x)
{
    bool complex = x && is_complex(x);
    return ad_sum(ad_sin(complex ? ad_add(ad_real(x), ad_mul(0.7, ad_imag(x))) : x));
}

static ad_array *adjoint(ad_array *x)
{
    return ad_matrix_transpose(ad_conj(x));
}

static ad_array *part(ad_tree *t, const char *name)
{
    return ad_tree_get(t, name);
}

static ad_array *random_of(bool complex, int64_t stream, ad_shape shape)
{
    ad_key key = ad_random_fold_in(ad_random_key(12), (uint64_t)stream);
    ad_array *x = ad_random_normal(key, shape);
    return complex ? ad_add(x, ad_mul(ad_weak_complex(1.0i), ad_random_normal(ad_random_fold_in(key, 1), shape))) : x;
}

#define assert_checks(f, ...) ck_assert_msg(ad_check_grads(f, __VA_ARGS__), "%s: %s", #f, ad_error_message())

#define WAVE_OF(name, expression)    OF_X(name, wave(expression))
#define WAVE_OF_AB(name, expression) OF_AB(name, wave(expression))

/* ---- what they are ---- */

static double tolerance_of(ad_dtype dtype)
{
    return dtype == AD_F64 || dtype == AD_C128 ? 1e-12 : 1e-3;
}

static void assert_factors(ad_array *a)
{
    double tolerance = tolerance_of(ad_dtype_of(a));
    int64_t m = ad_dim(a, -2), n = ad_dim(a, -1), k = m < n ? m : n;
    ad_tree *plu = ad_linalg_lu(a), *two = ad_linalg_lu(a, .permute_l = true), *packed = ad_linalg_lu_factor(a);
    ad_array *p = part(plu, "P"), *l = part(plu, "L"), *u = part(plu, "U");
    assert_arrays_near(ad_matmul(p, ad_matmul(l, u)), a, tolerance);
    assert_arrays_near(ad_matmul(part(two, "PL"), part(two, "U")), a, tolerance);
    assert_arrays_near(ad_matmul(p, l), part(two, "PL"), 0);
    assert_arrays_near(ad_triu(u), u, 0);
    assert_arrays_near(ad_triu(l), ad_broadcast_to(ad_eye(m, .M = k, .dtype = ad_dtype_of(a)), ad_shape_of(l)), 0);
    ck_assert(!ad_size(l) || ad_item(ad_max(ad_abs(l))) <= (is_complex(a) ? sqrt(2) : 1) + tolerance); /* LAPACK's size of x + iy is |x| + |y| */
    ck_assert_int_eq(ad_dtype_of(l), ad_dtype_of(a));
    ck_assert(!is_complex(p));
    ck_assert_int_eq(ad_dtype_of(part(packed, "piv")), AD_I32);
    ck_assert_int_eq(ad_dim(part(packed, "piv"), -1), k);
}

static void assert_square_definitions(ad_array *a)
{
    ad_dtype dtype = ad_dtype_of(a);
    double tolerance = tolerance_of(dtype);
    int64_t n = ad_dim(a, -1);
    ad_array *b = ad_at(a, "..., :2"), *packed = part(ad_linalg_lu_factor(a), "lu"), *piv = part(ad_linalg_lu_factor(a), "piv");
    assert_arrays_near(ad_matmul(a, ad_linalg_lu_solve(packed, piv, b)), b, 10 * tolerance);
    assert_arrays_near(ad_matmul(ad_matrix_transpose(a), ad_linalg_lu_solve(packed, piv, b, .trans = 1)), b, 10 * tolerance);
    assert_arrays_near(ad_matmul(adjoint(a), ad_linalg_lu_solve(packed, piv, b, .trans = 2)), b, 10 * tolerance);
    ad_array *w = ad_linalg_eigvals(a), *v = part(ad_linalg_eig(a), "eigenvectors");
    ck_assert_int_eq(ad_dtype_of(w), dtype == AD_F32 || dtype == AD_C64 ? AD_C64 : AD_C128);
    ck_assert_int_eq(ad_dtype_of(v), ad_dtype_of(w));
    assert_arrays_near(ad_matmul(a, v), ad_mul(v, ad_expand_dims(w, -2)), tolerance);
    assert_arrays_near(ad_sum(ad_square(ad_abs(v)), .axis = -2), ad_ones_like(ad_abs(w)), tolerance);
    ad_array *root = ad_linalg_sqrtm(a);
    ck_assert_int_eq(ad_dtype_of(root), dtype);
    assert_arrays_near(ad_matmul(root, root), a, 10 * tolerance);
    assert_arrays_near(root, ad_linalg_sqrtm(ad_add(a, 0)), 0);
    ad_array *other = ad_at(a, "..., ::-1, ::-1"), *x = ad_linalg_solve_sylvester(a, other, a);
    assert_arrays_near(ad_add(ad_matmul(a, x), ad_matmul(x, other)), a, 100 * tolerance);
    ad_array *narrow = ad_at(other, "..., :1, :1"), *column = ad_at(a, "..., :1");
    x = ad_linalg_solve_sylvester(a, narrow, column);
    assert_arrays_near(ad_add(ad_matmul(a, x), ad_matmul(x, narrow)), column, 100 * tolerance);
    ck_assert_int_eq(ad_dim(x, -2), n);
    for (int lower = 0; lower < 2; lower++) {
        ad_array *h = ad_matmul(a, adjoint(a)), *c = ad_linalg_cho_factor(h, .lower = lower);
        assert_arrays_near(ad_matmul(h, ad_linalg_cho_solve(c, b, .lower = lower)), b, 1000 * tolerance);
        assert_arrays_near(c, lower ? ad_tril(c) : ad_triu(c), 0);
        ad_array *one_triangle = lower ? ad_tril(h) : ad_triu(h);
        assert_arrays_near(ad_linalg_cho_factor(one_triangle, .lower = lower), c, 0);
    }
}

START_TEST(results_are_what_their_names_say_for_every_dtype_and_size)
{
    const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
    const int64_t sizes[] = { 1, 2, 3, 4, 7, 8, 9, 30 };
    for (int d = 0; d < 4; d++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            AD_SCOPE;
            int64_t n = sizes[i];
            ad_array *a = ad_astype(ad_add(ad_div(random_of(d > 1, 20 + n, AD_SHAPE(2, 3, n, n)), sqrt((double)n)), ad_mul(3, ad_eye(n))), dtypes[d]);
            assert_square_definitions(a);
            assert_square_definitions(ad_matrix_transpose(a));
            assert_factors(a);
            assert_factors(ad_at(a, "..., ::-1, :"));
            assert_factors(ad_at(a, "..., :%lld", (long long)(n + 1) / 2));
            assert_factors(ad_at(a, "..., ::2, ::-1"));
            ck_assert_msg(!ad_failed(), "%s", ad_error_message());
        }
}
END_TEST

/* The matrix that diagonals hold. */
static ad_array *spread(ad_array *ab, int l, int u)
{
    int64_t n = ad_dim(ab, -1);
    ad_array *a = ad_zeros(AD_SHAPE(n, n), .dtype = ad_dtype_of(ab));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i - l > 0 ? i - l : 0; j < n && j <= i + u; j++)
            a = ad_at_set(a, ad_at(ab, "%lld, %lld", (long long)(u + i - j), (long long)j), "%lld, %lld", (long long)i, (long long)j);
    return a;
}

static ad_array *random_band(ad_dtype dtype, int64_t stream, int l, int u, int64_t n)
{
    ad_array *middle = ad_expand_dims(ad_equal(ad_arange(l + u + 1), u), -1);
    return ad_astype(ad_add(random_of(dtype == AD_C128 || dtype == AD_C64, stream, AD_SHAPE(l + u + 1, n)), ad_mul(8, middle)), dtype);
}

START_TEST(band_systems_are_those_of_the_whole_matrix)
{
    const ad_dtype dtypes[] = { AD_F64, AD_F32, AD_C128, AD_C64 };
    const int bands[][2] = { { 0, 0 }, { 1, 1 }, { 2, 0 }, { 0, 2 }, { 1, 3 }, { 6, 6 } };
    const int64_t sizes[] = { 1, 2, 5, 20 };
    for (int d = 0; d < 4; d++)
        for (int b = 0; b < 6; b++)
            for (int s = 0; s < 4; s++) {
                AD_SCOPE;
                int l = bands[b][0], u = bands[b][1];
                ad_array *ab = random_band(dtypes[d], 10 * b + s, l, u, sizes[s]);
                ad_array *right = ad_astype(random_of(d > 1, 3, AD_SHAPE(sizes[s], 3)), dtypes[d]);
                ad_array *x = ad_linalg_solve_banded(ab, right, .l = l, .u = u);
                assert_arrays_near(x, ad_linalg_solve(spread(ab, l, u), right), tolerance_of(dtypes[d]));
                ck_assert_int_eq(ad_dtype_of(x), dtypes[d]);
                ad_array *first = ad_at(right, ":, 0");
                assert_arrays_near(ad_linalg_solve_banded(ab, first, .l = l, .u = u), ad_at(x, ":, 0"), tolerance_of(dtypes[d]));
            }
}
END_TEST

START_TEST(what_is_no_element_of_a_band_matrix_is_not_read)
{
    AD_SCOPE;
    ad_array *ab = ad_from((double[]){ NAN, 1, 1, 4, 4, 4, 2, 2, NAN }, AD_SHAPE(3, 3));
    assert_array(ad_linalg_solve_banded(ab, VECTOR(5, 7, 6), .l = 1, .u = 1), AD_SHAPE(3), 1e-14, 1, 1, 1);
    ad_array *stack = ad_stack(ad_list_of(ab, ad_mul(2, ab)));
    ad_array *both = ad_linalg_solve_banded(stack, ad_from((double[]){ 5, 7, 6 }, AD_SHAPE(3, 1)), .l = 1, .u = 1);
    assert_array(both, AD_SHAPE(2, 3, 1), 1e-14, 1, 1, 1, 0.5, 0.5, 0.5);
    ck_assert_int_eq(ad_dtype_of(ad_linalg_solve_banded(ad_ones(AD_SHAPE(1, 3), .dtype = AD_I64), ad_ones(AD_SHAPE(3), .dtype = AD_BOOL))), AD_F64);
}
END_TEST

/* ---- derivatives ---- */

WAVE_OF(packed, part(ad_linalg_lu_factor(x), "lu"))
WAVE_OF(lower, part(ad_linalg_lu(x), "L"))
WAVE_OF(upper, part(ad_linalg_lu(x), "U"))
WAVE_OF(permuted_lower, part(ad_linalg_lu(x, .permute_l = true), "PL"))
WAVE_OF(values, ad_linalg_eigvals(x))
WAVE_OF(vectors, ad_abs(part(ad_linalg_eig(x), "eigenvectors")))
WAVE_OF(values_and_vectors, ad_matmul(ad_abs(part(ad_linalg_eig(x), "eigenvectors")), ad_expand_dims(part(ad_linalg_eig(x), "eigenvalues"), -1)))
WAVE_OF(root, ad_linalg_sqrtm(x))
WAVE_OF(own_equation, ad_linalg_solve_sylvester(x, x, x))
WAVE_OF(upper_factor, ad_linalg_cho_factor(ad_matmul(x, adjoint(x))))

/* A projector on one eigenvector's line, whatever its phase; the function of matrices v exp(w) v^-1. */
static ad_array *exponential(ad_array *x)
{
    ad_tree *t = ad_linalg_eig(x);
    ad_array *v = part(t, "eigenvectors"), *w = part(t, "eigenvalues");
    return ad_matmul(ad_mul(v, ad_expand_dims(ad_exp(w), -2)), ad_linalg_inv(v));
}

WAVE_OF(wave_of_exponential, exponential(x))

static ad_array *near_positive(ad_array *x)
{
    return ad_add(x, ad_mul(5, ad_eye(ad_dim(x, -1))));
}

START_TEST(derivatives_of_one_matrix_agree_with_differences)
{
    for (int complex = 0; complex < 2; complex++) {
        AD_SCOPE;
        ad_array *a = random_of(complex, 1, AD_SHAPE(3, 3)), *stack = random_of(complex, 2, AD_SHAPE(2, 1, 3, 3));
        ad_array *tall = random_of(complex, 3, AD_SHAPE(4, 2)), *wide = random_of(complex, 4, AD_SHAPE(2, 4));
        ad_array *(*const any[])(ad_array *) = { packed, lower, upper, permuted_lower };
        ad_array *(*const square[])(ad_array *) = { values, vectors, values_and_vectors, wave_of_exponential, upper_factor };
        ad_array *(*const positive[])(ad_array *) = { root, own_equation };
        for (int i = 0; i < 4; i++) {
            ad_array *const of[] = { a, tall, wide, ad_at(tall, ":, :1"), ad_at(wide, ":1, :") };
            for (int k = 0; k < 5; k++)
                ck_assert_msg(ad_check_grads(any[i], of[k]), "function %d of matrix %d: %s", i, k, ad_error_message());
            ck_assert_msg(ad_check_grads(any[i], stack, .order = 1), "function %d of a stack: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(any[i], ad_at(stack, "..., :2, :"), .order = 1), "function %d of a wide stack: %s", i, ad_error_message());
        }
        for (int i = 0; i < 5; i++) {
            ck_assert_msg(ad_check_grads(square[i], a), "square function %d: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(square[i], stack, .order = 1), "square function %d of a stack: %s", i, ad_error_message());
        }
        for (int i = 0; i < 2; i++) {
            ck_assert_msg(ad_check_grads(positive[i], near_positive(a), .order = 3), "positive function %d: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(positive[i], near_positive(stack), .order = 1), "positive function %d of a stack: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(positive[i], near_positive(random_of(complex, 5, AD_SHAPE(9, 9))), .order = 1), "positive function %d: %s", i,
                          ad_error_message());
        }
        assert_arrays_near(exponential(a), ad_linalg_expm(complex ? a : ad_astype(a, AD_C128)), 1e-10);
    }
}
END_TEST

WAVE_OF_AB(by_packed, ad_linalg_lu_solve(a, ad_from_data(AD_I32, (int32_t[]){ 2, 2, 2 }, AD_SHAPE(3)), b))
WAVE_OF_AB(by_transposed, ad_linalg_lu_solve(a, ad_from_data(AD_I32, (int32_t[]){ 2, 2, 2 }, AD_SHAPE(3)), b, .trans = 1))
WAVE_OF_AB(by_adjoint, ad_linalg_lu_solve(a, ad_from_data(AD_I32, (int32_t[]){ 2, 2, 2 }, AD_SHAPE(3)), b, .trans = 2))
WAVE_OF_AB(solution, ad_linalg_lu_solve(part(ad_linalg_lu_factor(a), "lu"), part(ad_linalg_lu_factor(a), "piv"), b))
WAVE_OF_AB(equation_in_a, ad_linalg_solve_sylvester(a, ad_mul(0.3, ad_matmul(ad_matrix_transpose(b), b)), b))
WAVE_OF_AB(equation_in_b, ad_linalg_solve_sylvester(ad_mul(0.3, ad_matmul(b, ad_matrix_transpose(b))), a, b))
WAVE_OF_AB(tridiagonal, ad_linalg_solve_banded(a, b, .l = 1, .u = 1))
WAVE_OF_AB(lower_band, ad_linalg_solve_banded(a, b, .l = 2))
WAVE_OF_AB(upper_band, ad_linalg_solve_banded(a, b, .u = 2))

START_TEST(derivatives_of_two_operands_agree_with_differences)
{
    for (int complex = 0; complex < 2; complex++) {
        AD_SCOPE;
        ad_array *a = near_positive(random_of(complex, 1, AD_SHAPE(3, 3))), *b = random_of(complex, 2, AD_SHAPE(3, 2)),
                 *vector = random_of(complex, 3, AD_SHAPE(3));
        ad_array *stack = near_positive(random_of(complex, 4, AD_SHAPE(2, 1, 3, 3))), *columns = random_of(complex, 5, AD_SHAPE(2, 3, 2));
        ad_array *(*const square[])(ad_array *, ad_array *) = { by_packed, by_transposed, by_adjoint, solution };
        for (int i = 0; i < 4; i++) {
            ck_assert_msg(ad_check_grads(square[i], a, b), "function %d: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(square[i], a, vector, .order = 1), "function %d of a vector: %s", i, ad_error_message());
            ck_assert_msg(ad_check_grads(square[i], stack, columns, .order = 1), "function %d of stacks: %s", i, ad_error_message());
        }
        assert_checks(equation_in_a, a, b);
        assert_checks(equation_in_b, ad_at(a, ":2, :2"), ad_at(b, ":, :2"));
        assert_checks(equation_in_a, stack, columns, .order = 1);
        ad_array *ab = random_of(complex, 6, AD_SHAPE(3, 5)), *right = random_of(complex, 7, AD_SHAPE(5, 2));
        ab = ad_add(ab, ad_mul(5, ad_from((double[]){ 0, 1, 0 }, AD_SHAPE(3, 1))));
        assert_checks(tridiagonal, ab, right);
        assert_checks(tridiagonal, ab, ad_at(right, ":, 0"));
        assert_checks(tridiagonal, ad_stack(ad_list_of(ab, ad_mul(2, ab))), random_of(complex, 8, AD_SHAPE(3, 1, 5, 2)), .order = 1);
        assert_checks(lower_band, ad_at(ab, "::-1, :"), right);
        assert_checks(lower_band, ad_roll(ab, -1, .axis = 0), right);
        assert_checks(upper_band, ad_roll(ab, 1, .axis = 0), right);
        assert_checks(tridiagonal, ad_at(ab, ":, :1"), ad_at(right, ":1"));
    }
}
END_TEST

/* ---- at the awkward points ---- */

START_TEST(the_last_pivot_of_a_square_matrix_may_be_zero)
{
    AD_SCOPE;
    ad_array *singular = ad_from((double[]){ 2, 4, 1, 1, 2, 3, 1, 2, 8 }, AD_SHAPE(3, 3)), *last = ad_from((double[]){ 1, 2, 2, 4 }, AD_SHAPE(2, 2));
    ad_tree *plu = ad_linalg_lu(last);
    assert_array(part(plu, "P"), AD_SHAPE(2, 2), 0, 0, 1, 1, 0);
    assert_array(part(plu, "L"), AD_SHAPE(2, 2), 0, 1, 0, 0.5, 1);
    assert_array(part(plu, "U"), AD_SHAPE(2, 2), 0, 2, 4, 0, 0);
    assert_array(part(ad_linalg_lu_factor(last), "piv"), AD_SHAPE(2), 0, 1, 1);
    assert_checks(packed, last);
    assert_arrays_near(ad_matmul(part(ad_linalg_lu(singular, .permute_l = true), "PL"), part(ad_linalg_lu(singular), "U")), singular, 1e-14);
    assert_fails(ad_grad(packed)(singular), AD_ERROR_NUMERIC, "matrix 0 is singular: element 1 of its diagonal is 0");
    assert_fails(ad_grad(packed)(ad_zeros(AD_SHAPE(3, 2))), AD_ERROR_NUMERIC, "is singular");
    ck_assert(part(ad_linalg_lu(ad_zeros(AD_SHAPE(3, 2))), "U"));
}
END_TEST

OF_X(sum_of_values, ad_real(ad_sum(ad_exp(ad_linalg_eigvals(x)))))
OF_X(trace_of_exponential, ad_trace(ad_linalg_expm(x)))

START_TEST(equal_eigenvalues_leave_everything_finite)
{
    AD_SCOPE;
    ad_array *one = ad_eye(3);
    assert_array(ad_grad(sum_of_values)(one), AD_SHAPE(3, 3), 1e-14, M_E, 0, 0, 0, M_E, 0, 0, 0, M_E);
    ad_array *turned = ad_matmul(ad_matmul(random_of(false, 1, AD_SHAPE(3, 3)), ad_diag(VECTOR(2, 2, 1))), ad_linalg_inv(random_of(false, 1, AD_SHAPE(3, 3))));
    assert_arrays_near(ad_grad(sum_of_values)(turned), ad_grad(trace_of_exponential)(turned), 1e-6);
    ad_array *of_vectors = ad_grad(vectors)(one);
    ck_assert(of_vectors && ad_item(ad_all(ad_isfinite(of_vectors))) != 0);
    assert_checks(root, ad_mul(4, one), .order = 3);
    assert_array(ad_grad(root)(ad_mul(4, ad_eye(2))), AD_SHAPE(2, 2), 1e-15, cos(2) / 4, 0.25, 0.25, cos(2) / 4);
}
END_TEST

START_TEST(roots_that_other_libraries_were_wrong_about)
{
    AD_SCOPE;
    double h = sqrt(0.5);
    ad_array *isolated = ad_from((double[]){ 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1 }, AD_SHAPE(4, 4));
    assert_array(ad_linalg_sqrtm(isolated), AD_SHAPE(4, 4), 1e-15, h, 0, 0, h, 0, 0, 0, 0, 0, 0, 0, 0, h, 0, 0, h);
    assert_array(ad_linalg_sqrtm(ad_zeros(AD_SHAPE(2, 2))), AD_SHAPE(2, 2), 0, 0, 0, 0, 0);
    assert_array(ad_linalg_sqrtm(ad_diag(VECTOR(4, 1, 0))), AD_SHAPE(3, 3), 0, 2, 0, 0, 0, 1, 0, 0, 0, 0);
    assert_array(ad_linalg_sqrtm(ad_from_data(AD_I64, (int64_t[]){ 4, 0, 0, 9 }, AD_SHAPE(2, 2))), AD_SHAPE(2, 2), 0, 2, 0, 0, 3);
    double _Complex values[] = { 1, 0, 0, 0, 1, -1.0i, 0, 1.0i, 2 };
    ad_array *complex_one = ad_from_data(AD_C128, values, AD_SHAPE(3, 3)), *of_it = ad_linalg_sqrtm(complex_one);
    assert_arrays_near(ad_matmul(of_it, of_it), complex_one, 1e-14);
    ad_array *half_turn = ad_linalg_sqrtm(ad_from((double[]){ 0, -1, 1, 0 }, AD_SHAPE(2, 2))); /* a quarter of a turn */
    assert_array(half_turn, AD_SHAPE(2, 2), 1e-15, h, -h, h, h);
    ad_array *behind = ad_from((double[]){ -1, -0.1, 0.1, -1 }, AD_SHAPE(2, 2)), *of_behind = ad_linalg_sqrtm(behind);
    assert_arrays_near(ad_matmul(of_behind, of_behind), behind, 1e-15);
    /* covariances of fewer samples than variables: eigenvalues of 0, rounded to either side */
    ad_array *samples = random_of(false, 6, AD_SHAPE(20, 3)), *covariance = ad_matmul(samples, ad_matrix_transpose(samples)), *y = ad_linalg_sqrtm(covariance);
    assert_arrays_near(ad_matmul(y, y), covariance, 1e-13);
    ad_array *imaginary = ad_linalg_sqrtm(ad_astype(ad_diag(VECTOR(-4, 1)), AD_C128));
    assert_array(ad_imag(imaginary), AD_SHAPE(2, 2), 1e-15, 2, 0, 0, 0);
}
END_TEST

START_TEST(graded_matrices_keep_the_digits_of_their_roots)
{
    AD_SCOPE;
    ad_array *graded = ad_from((double[]){ 1, 1, 1, 0, 1e-20, 1e-22, 0, 0, 1e-40 }, AD_SHAPE(3, 3)), *y = ad_linalg_sqrtm(graded);
    assert_close(ad_item(ad_at(y, "1, 1")) * 1e10, 1, 1e-15);
    assert_close(ad_item(ad_at(y, "2, 2")) * 1e20, 1, 1e-15);
    assert_close(ad_item(ad_at(y, "1, 2")) * 1e12, 1, 1e-9);
}
END_TEST

/* ---- bad input ---- */

START_TEST(bad_matrices_are_named)
{
    AD_SCOPE;
    ad_array *bad = ad_full(AD_SHAPE(2, 2), NAN), *infinite = ad_full(AD_SHAPE(2, 2), INFINITY), *one = ad_eye(2),
             *jordan = ad_from((double[]){ 0, 1, 0, 0 }, AD_SHAPE(2, 2));
    ad_array *bad_ones[] = { bad, infinite };
    for (int i = 0; i < 2; i++) {
        assert_fails(ad_linalg_lu(bad_ones[i]), AD_ERROR_NUMERIC, "ad_linalg_lu_factor: a NaN or an infinity");
        assert_fails(ad_linalg_eig(bad_ones[i]), AD_ERROR_NUMERIC, "ad_linalg_eig: a NaN or an infinity");
        assert_fails(ad_linalg_sqrtm(bad_ones[i]), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: a NaN or an infinity");
        assert_fails(ad_linalg_solve_sylvester(one, bad_ones[i], one), AD_ERROR_NUMERIC, "ad_linalg_solve_sylvester: a NaN or an infinity");
        assert_fails(ad_linalg_solve_banded(bad_ones[i], ad_ones(AD_SHAPE(2)), .l = 1), AD_ERROR_NUMERIC,
                     "ad_linalg_solve_banded: a NaN or an infinity in matrix 0");
        assert_fails(ad_linalg_cho_factor(bad_ones[i]), AD_ERROR_NUMERIC, "ad_linalg_cho_factor: a NaN or an infinity");
    }
    ad_array *stack = ad_stack(ad_list_of(one, jordan)), *negative = ad_stack(ad_list_of(one, ad_neg(one)));
    assert_fails(ad_linalg_sqrtm(stack), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix 1 is singular and has no root");
    assert_fails(ad_linalg_sqrtm(ad_astype(stack, AD_C128)), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix 1 is singular and has no root");
    assert_fails(ad_linalg_sqrtm(negative), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix 1 has a negative eigenvalue");
    assert_fails(ad_grad(root)(ad_diag(VECTOR(1, 0))), AD_ERROR_NUMERIC, "ad_linalg_sqrtm: matrix 0 is singular: its root has no finite derivative");
    assert_fails(ad_linalg_solve_sylvester(one, negative, one), AD_ERROR_NUMERIC, "equation 1 is singular: a and -b have an eigenvalue in common");
    assert_fails(ad_linalg_solve_sylvester(one, ad_eye(3), one), AD_ERROR_SHAPE, "shapes (2,2), (3,3) and (2,2)");
    assert_fails(ad_linalg_solve_sylvester(ad_ones(AD_SHAPE(2, 3)), one, one), AD_ERROR_SHAPE, "should be square");
    assert_fails(ad_linalg_solve_sylvester(ad_ones(AD_SHAPE(3, 2, 2)), ad_ones(AD_SHAPE(2, 2, 2)), one), AD_ERROR_SHAPE, "do not broadcast");
    assert_fails(ad_linalg_solve_banded(ad_from((double[]){ 0, 1, 1, 0, 1, 0 }, AD_SHAPE(2, 3)), ad_ones(AD_SHAPE(3)), .u = 1), AD_ERROR_NUMERIC,
                 "matrix 0 is singular: pivot 0 is 0");
    assert_fails(ad_linalg_solve_banded(ad_ones(AD_SHAPE(3, 3)), ad_ones(AD_SHAPE(3)), .l = 1), AD_ERROR_SHAPE, ".l is 1 and .u is 0");
    assert_fails(ad_linalg_solve_banded(ad_ones(AD_SHAPE(3, 3)), ad_ones(AD_SHAPE(3)), .l = -1, .u = 3), AD_ERROR_SHAPE, ".l is -1");
    assert_fails(ad_linalg_solve_banded(ad_ones(AD_SHAPE(3)), ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "shape (3,)");
    assert_fails(ad_linalg_solve_banded(ad_ones(AD_SHAPE(1, 3)), ad_ones(AD_SHAPE(4))), AD_ERROR_SHAPE, "do not align (3 != 4)");
    assert_fails(ad_linalg_eigvals(ad_ones(AD_SHAPE(2, 3))), AD_ERROR_SHAPE, "ad_linalg_eigvals: an operand of shape (2,3)");
    assert_fails(ad_linalg_lu(ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "ad_linalg_lu: a matrix has two axes");
    ad_array *piv = ad_from_data(AD_I64, (int64_t[]){ 0, 2 }, AD_SHAPE(2)), *negative_piv = ad_from_data(AD_I64, (int64_t[]){ 0, -1 }, AD_SHAPE(2));
    assert_fails(ad_linalg_lu_solve(one, piv, ad_ones(AD_SHAPE(2))), AD_ERROR_VALUE, "pivot 1 is 2; there are 2 rows");
    assert_fails(ad_linalg_lu_solve(one, negative_piv, ad_ones(AD_SHAPE(2))), AD_ERROR_VALUE, "pivot 1 is -1");
    assert_fails(ad_linalg_lu_solve(one, ad_ones(AD_SHAPE(2)), ad_ones(AD_SHAPE(2))), AD_ERROR_VALUE, "dtype float64");
    assert_fails(ad_linalg_lu_solve(one, ad_arange(3), ad_ones(AD_SHAPE(2))), AD_ERROR_VALUE, "pivots of shape (3,)");
    assert_fails(ad_linalg_lu_solve(one, ad_arange(2), ad_ones(AD_SHAPE(3))), AD_ERROR_SHAPE, "ad_linalg");
    assert_fails(ad_linalg_lu_solve(one, ad_arange(2), ad_ones(AD_SHAPE(2)), .trans = 3), AD_ERROR_VALUE, ".trans is 3");
    assert_fails(ad_linalg_lu_solve(ad_zeros(AD_SHAPE(2, 2)), ad_arange(2), ad_ones(AD_SHAPE(2))), AD_ERROR_NUMERIC, "singular");
    assert_fails(ad_linalg_cho_factor(ad_neg(one)), AD_ERROR_NUMERIC, "leading minor of order 1");
}
END_TEST

START_TEST(empty_stacks_and_matrices_are_legal)
{
    AD_SCOPE;
    ad_array *none = ad_zeros(AD_SHAPE(0, 3, 3)), *zero = ad_zeros(AD_SHAPE(2, 0, 0));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_eigvals(none)), AD_SHAPE(0, 3)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_eigvals(zero)), AD_SHAPE(2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_sqrtm(zero)), AD_SHAPE(2, 0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve_sylvester(ad_eye(3), zero, ad_zeros(AD_SHAPE(3, 0)))), AD_SHAPE(2, 3, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve_banded(ad_zeros(AD_SHAPE(3, 0)), ad_zeros(AD_SHAPE(0)), .l = 1, .u = 1)), AD_SHAPE(0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_linalg_solve_banded(ad_ones(AD_SHAPE(1, 3)), ad_zeros(AD_SHAPE(3, 0)))), AD_SHAPE(3, 0)));
    ad_tree *tall = ad_linalg_lu(ad_zeros(AD_SHAPE(2, 0))), *wide = ad_linalg_lu(ad_zeros(AD_SHAPE(0, 2)));
    assert_array(part(tall, "P"), AD_SHAPE(2, 2), 0, 1, 0, 0, 1);
    ck_assert(ad_shape_equal(ad_shape_of(part(tall, "L")), AD_SHAPE(2, 0)) && ad_shape_equal(ad_shape_of(part(tall, "U")), AD_SHAPE(0, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(part(wide, "L")), AD_SHAPE(0, 0)) && ad_shape_equal(ad_shape_of(part(wide, "U")), AD_SHAPE(0, 2)));
    ad_array *(*const functions[])(ad_array *) = { packed, values, vectors, root, own_equation };
    for (int i = 0; i < 5; i++) {
        ck_assert(ad_shape_equal(ad_shape_of(ad_grad(functions[i])(none)), AD_SHAPE(0, 3, 3)));
        ck_assert_msg(ad_shape_equal(ad_shape_of(ad_grad(functions[i])(zero)), AD_SHAPE(2, 0, 0)), "%d: %s", i, ad_error_message());
    }
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(packed)(ad_zeros(AD_SHAPE(2, 0)))), AD_SHAPE(2, 0)));
    ck_assert(ad_shape_equal(ad_shape_of(ad_grad(packed)(ad_zeros(AD_SHAPE(0, 2)))), AD_SHAPE(0, 2)));
    ck_assert_msg(!ad_failed(), "%s", ad_error_message());
}
END_TEST

/* ---- the engine ---- */

static bool count_factors(const ad_call_event *event, void *context)
{
    const char *name = event->operation->name;
    *(int *)context += strcmp(name, "ad_linalg_schur_factors") == 0 || strcmp(name, "ad_linalg_banded_factors") == 0;
    return true;
}

START_TEST(a_system_is_factorized_once_for_the_value_and_all_its_derivatives)
{
    AD_SCOPE;
    int count = 0;
    ad_array *a = near_positive(random_of(false, 1, AD_SHAPE(3, 3))), *b = random_of(false, 2, AD_SHAPE(3, 2));
    ad_on_call(count_factors, &count);
    ck_assert(ad_hvp(tridiagonal)(a, b, a));
    ck_assert_int_eq(count, 1);
    count = 0;
    ck_assert(ad_hvp(own_equation)(a, a));
    ck_assert_int_eq(count, 1);
    ad_on_call(NULL, NULL);
}
END_TEST

static ad_array *memory_is_needed(ad_array *x)
{
    ad_array *near = near_positive(x), *sum = ad_add(ad_grad(packed)(x), ad_grad(vectors)(x));
    return ad_add(sum, ad_add(ad_grad(root)(near), ad_add(ad_grad(solution)(near, x), ad_linalg_solve_banded(near, x, .l = 1))));
}

START_TEST(memory_may_run_out_anywhere)
{
    AD_SCOPE;
    assert_every_allocation_may_fail(memory_is_needed, random_of(false, 1, AD_SHAPE(2, 2)));
}
END_TEST

START_TEST(checkpoints_and_pullbacks_take_them)
{
    AD_SCOPE;
    ad_array *a = near_positive(random_of(false, 1, AD_SHAPE(3, 3))), *b = random_of(false, 2, AD_SHAPE(3, 2));
    ad_array *(*const one[])(ad_array *) = { packed, vectors, root };
    ad_array *(*const two[])(ad_array *, ad_array *) = { solution, equation_in_a, tridiagonal };
    for (int i = 0; i < 3; i++) {
        assert_arrays_near(ad_grad(ad_checkpoint(one[i]))(a), ad_grad(one[i])(a), 0);
        assert_arrays_near(ad_grad(ad_checkpoint(two[i]))(a, b), ad_grad(two[i])(a, b), 0);
        ad_pullback *pull;
        ck_assert(ad_vjp(two[i], a, b, &pull));
        assert_arrays_near(ad_vjp_apply(pull, ad_scalar(1)), ad_grad(two[i])(a, b), 0);
        ad_vjp_free(pull);
    }
}
END_TEST

RUN_TESTS("linalg_general", results_are_what_their_names_say_for_every_dtype_and_size, band_systems_are_those_of_the_whole_matrix,
          what_is_no_element_of_a_band_matrix_is_not_read, derivatives_of_one_matrix_agree_with_differences, derivatives_of_two_operands_agree_with_differences,
          the_last_pivot_of_a_square_matrix_may_be_zero, equal_eigenvalues_leave_everything_finite, roots_that_other_libraries_were_wrong_about,
          graded_matrices_keep_the_digits_of_their_roots, bad_matrices_are_named, empty_stacks_and_matrices_are_legal,
          a_system_is_factorized_once_for_the_value_and_all_its_derivatives, memory_may_run_out_anywhere, checkpoints_and_pullbacks_take_them)
