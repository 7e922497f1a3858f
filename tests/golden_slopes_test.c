/* Values and derivatives of every elementwise and special function over extreme arguments: tails, poles, ends of
 * domains, subnormal and largest numbers, infinities, branch cuts. Orders 1 to 3 by every nesting of modes, float64 and
 * float32, real and complex, against golden/slopes.inc.
 *
 * An error is in units in the last place of the right number in the dtype that is computed in; for complex numbers in
 * those of the modulus. Functions of one number are those of the file, and what is not the usual tolerance stands
 * below. `golden_slopes_test --table` prints the largest errors. */
#include "testing.h"
#include <complex.h>
#include <float.h>
#include <stdio.h>

typedef ad_array *one(ad_array *);

/* A row of numbers for each point: the arguments, then what is right there. */
#define FUNCTION(name)         static const double real_##name[] = {
#define FUNCTION_OF_TWO(name)  static const double two_##name[] = {
#define FUNCTION_OF_ROWS(name) static const double rows_##name[] = {
#define COMPLEX_FUNCTION(name) static const double complex_##name[] = {
#define AT(...)                __VA_ARGS__,
#define END                    };
/* clang-format off */
#include "golden/slopes.inc"
/* clang-format on */

/* ---- errors ---- */

static bool print_all, print_table;

struct worst {
    double error, limit;
    char where[240];
};

static double unit(double x, ad_dtype dtype)
{
    x = fabs(x);
    if (dtype == AD_F32 || dtype == AD_C64)
        return fmax(0x1p-149, (double)nextafterf((float)x, INFINITY) - (float)x);
    return nextafter(x, INFINITY) - x;
}

/* The error of got in units of the right number; infinite where one is not finite and they differ. */
static double error_of(double got, double right, double modulus, ad_dtype dtype)
{
    bool single = dtype == AD_F32 || dtype == AD_C64;
    if (single)
        right = (float)right, modulus = fmin(modulus, FLT_MAX);
    if (got == right || isnan(right))
        return 0;
    if (!isfinite(got) || !isfinite(right))
        return INFINITY;
    return fabs(got - right) / unit(modulus, dtype);
}

static void note(struct worst *worst, double error, double limit, const char *where)
{
    if (print_all && error > limit)
        printf("    %-10.3g %s\n", error, where);
    if (error / limit > worst->error / worst->limit || worst->limit == 0) {
        worst->error = error;
        worst->limit = limit;
        snprintf(worst->where, sizeof worst->where, "%s", where);
    }
}

static void check(const struct worst *worst, const char *name)
{
    if (print_table)
        printf("%-16s %10.3g of %-8g %s\n", name, worst->error, worst->limit, worst->where);
    else
        ck_assert_msg(worst->error <= worst->limit, "%s is off by %.3g units, %g are allowed", worst->where, worst->error, worst->limit);
}

/* ---- functions of one real number ---- */

OF_X(polygamma_1, ad_polygamma(1, x))
OF_X(polygamma_4, ad_polygamma(4, x))
OF_X(cube, ad_pow(x, 3))
OF_X(inverse_square, ad_pow(x, -2))
OF_X(power_1_7, ad_pow(x, (double)1.7f))
OF_X(power_minus_0_3, ad_pow(x, (double)-0.3f))
#define ad_polygamma_1     polygamma_1
#define ad_polygamma_4     polygamma_4
#define ad_cube            cube
#define ad_inverse_square  inverse_square
#define ad_power_1_7       power_1_7
#define ad_power_minus_0_3 power_minus_0_3

#define UNITS(...) { __VA_ARGS__ }
#define USUAL      UNITS(4, 4, 8, 16)
#define SOME       UNITS(8, 8, 16, 64)

/* Allowed at orders 0 to 3, where it is not USUAL. */
static const struct tolerance {
    const char *name;
    double units[4];
} tolerances[] = {
    { "arctan", UNITS(4, 8, 16, 32) },
    { "arcsinh", UNITS(4, 4, 8, 64) }, /* its derivative of order 3 is near a root of it */
    { "arccosh", UNITS(4, 4, 16, 32) },
    { "arctanh", UNITS(4, 8, 16, 32) },
    { "erf", UNITS(4, 4, 8, 24) },
    { "erfc", UNITS(4, 4, 8, 24) },
    { "gammaln", UNITS(16, 16, 16, 24) },
    { "digamma", UNITS(16, 16, 24, 24) },
    { "polygamma_1", UNITS(16, 24, 24, 24) },
    { "polygamma_4", UNITS(24, 24, 24, 24) },
};

static const double *units_of(const char *name)
{
    static const double usual[] = USUAL;
    for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++)
        if (strcmp(tolerances[i].name, name) == 0)
            return tolerances[i].units;
    return usual;
}

/* Functions of one number, and where their numbers are. */
struct row {
    const char *name;
    one *function;
    const double *numbers;
    int count; /* of the numbers */
};

#undef FUNCTION
#undef FUNCTION_OF_TWO
#undef FUNCTION_OF_ROWS
#undef COMPLEX_FUNCTION
#undef AT
#undef END
#define ROW(name, numbers) { #name, ad_##name, numbers, sizeof numbers / sizeof(double) },
#define FUNCTION_OF_TWO(name)
#define FUNCTION_OF_ROWS(name)
#define AT(...)
#define END

static const struct row rows[] = {
#define FUNCTION(name) ROW(name, real_##name)
#define COMPLEX_FUNCTION(name)
#include "golden/slopes.inc"
#undef FUNCTION
#undef COMPLEX_FUNCTION
};

static const struct row complex_rows[] = {
#define FUNCTION(name)
#define COMPLEX_FUNCTION(name) ROW(name, complex_##name)
#include "golden/slopes.inc"
};

enum { MAX_POINTS = 512 };

/* The derivative that a nesting gives: bit i says whether level i is reverse. */
static one *nested(one *f, int order, int nesting)
{
    for (int level = 0; level < order; level++)
        f = nesting >> level & 1 ? ad_elementwise_grad(f) : ad_deriv(f);
    return f;
}

/* The places of the points that the dtype has. */
static int points_of(const double *numbers, int count, int arguments, int stride, ad_dtype dtype, int *places)
{
    int n = 0;
    for (int i = 0; i < count; i += stride) {
        bool fits = true;
        for (int j = 0; j < arguments; j++)
            fits &= dtype == AD_F64 || dtype == AD_C128 || (float)numbers[i + j] == numbers[i + j];
        if (fits)
            places[n++] = i;
    }
    ck_assert_int_le(n, MAX_POINTS);
    return n;
}

static void check_order(const struct row *row, ad_dtype dtype, int order, int nesting, struct worst *worst)
{
    AD_SCOPE;
    int places[MAX_POINTS], n = points_of(row->numbers, row->count, 1, 5, dtype, places);
    double x[MAX_POINTS], y[MAX_POINTS];
    one *f = nested(row->function, order, nesting);
    for (int i = 0; i < n; i++)
        x[i] = row->numbers[places[i]];
    ck_assert_msg(ad_copy_to(f(ad_astype(ad_from(x, AD_SHAPE(n)), dtype)), y, n), "%s: %s", row->name, ad_error_message());
    for (int i = 0; i < n; i++) {
        char where[240];
        double right = row->numbers[places[i] + 1 + order];
        snprintf(where, sizeof where, "%s at %.17g, %s, order %d, nesting %d: %.17g for %.17g", row->name, x[i], ad_dtype_name(dtype), order, nesting,
                 y[i], right);
        note(worst, error_of(y[i], right, right, dtype), units_of(row->name)[order], where);
        double alone = dtype == AD_F64 && i % 3 == 0 ? ad_item(f(ad_scalar(x[i]))) : y[i];
        ck_assert_msg(alone == y[i] || (isnan(alone) && isnan(y[i])), "%s; alone %.17g", where, alone);
    }
}

START_TEST(real_functions)
{
    const struct row *row = &rows[_i];
    for (ad_dtype dtype = AD_F64; dtype <= AD_F32; dtype++) {
        struct worst worst = { 0 };
        for (int order = 0; order <= 3; order++)
            for (int nesting = 0; nesting < 1 << order; nesting++)
                check_order(row, dtype, order, nesting, &worst);
        check(&worst, row->name);
    }
}
END_TEST

/* ---- functions of two real numbers, and along rows: x is (points, columns), and a level differentiates in one column
 * ---- */

enum { COLUMNS = 3 };

static struct {
    one *function; /* of (points, columns); gives (points,) */
    int columns;
    int column[COLUMNS], reverse; /* of each level; bit i: level i is reverse */
} levels;

static ad_array *column_of(ad_array *x, int column)
{
    return ad_at(x, ":, %d", column);
}

static ad_array *derived(int order, ad_array *x);

OF_X(sum_of_0, ad_sum(derived(0, x)))
OF_X(sum_of_1, ad_sum(derived(1, x)))
OF_X(sum_of_2, ad_sum(derived(2, x)))
OF_X(derived_0, derived(0, x))
OF_X(derived_1, derived(1, x))
OF_X(derived_2, derived(2, x))

static ad_array *derived(int order, ad_array *x)
{
    static one *const sums[] = { sum_of_0, sum_of_1, sum_of_2 }, *const functions[] = { derived_0, derived_1, derived_2 };
    if (order == 0)
        return levels.function(x);
    int level = order - 1, column = levels.column[level];
    if (levels.reverse >> level & 1)
        return column_of(ad_grad(sums[level])(x), column);
    ad_array *tangent = NULL, *direction = ad_at_set(ad_zeros_like(x), 1, ":, %d", column);
    ad_jvp(functions[level], x, direction, &tangent);
    return tangent;
}

OF_X(hypot_of_columns, ad_hypot(column_of(x, 0), column_of(x, 1)))
OF_X(arctan2_of_columns, ad_arctan2(column_of(x, 0), column_of(x, 1)))
OF_X(div_of_columns, ad_div(column_of(x, 0), column_of(x, 1)))
OF_X(logaddexp_of_columns, ad_logaddexp(column_of(x, 0), column_of(x, 1)))
OF_X(pow_of_columns, ad_pow(column_of(x, 0), column_of(x, 1)))
OF_X(logsumexp_of_columns, ad_logsumexp(x, .axis = 1))
OF_X(softmax_in_0, column_of(ad_softmax(x, .axis = 1), 0))
OF_X(softmax_in_1, column_of(ad_softmax(x, .axis = 1), 1))
OF_X(softmax_in_2, column_of(ad_softmax(x, .axis = 1), 2))
OF_X(log_softmax_in_0, column_of(ad_log_softmax(x, .axis = 1), 0))
OF_X(log_softmax_in_1, column_of(ad_log_softmax(x, .axis = 1), 1))
OF_X(log_softmax_in_2, column_of(ad_log_softmax(x, .axis = 1), 2))

/* The place of a derivative among those of its order, in the columns of the levels: they stand in the file in order of
 * sorted columns. */
static int place_of(int columns, int order)
{
    int place = 0, count[COLUMNS] = { 0 };
    for (int i = 0; i < order; i++)
        count[levels.column[i]]++;
    if (columns == 2 || order == 0)
        return count[1];
    for (int a = 0; a < COLUMNS; a++)
        for (int b = order > 1 ? a : COLUMNS - 1; b < COLUMNS; b++)
            for (int c = order > 2 ? b : COLUMNS - 1; c < COLUMNS; c++, place++) {
                int other[COLUMNS] = { 0 };
                other[a]++;
                if (order > 1)
                    other[b]++;
                if (order > 2)
                    other[c]++;
                if (memcmp(other, count, sizeof count) == 0)
                    return place;
            }
    return place;
}

/* What a function of rows of three is made of: logsumexp itself, its slope in a column, or that column less it. */
enum { WHOLE, SLOPE, LOGARITHM };

static const struct columns_row {
    const char *name;
    one *function;
    const double *numbers;
    int count, columns, kind, of;
    double units[4];
} columns_rows[] = {
#define TWO(name, ...) { #name, name##_of_columns, two_##name, sizeof two_##name / sizeof(double), 2, WHOLE, 0, __VA_ARGS__ },
#define ROWS(name, function, kind, of, ...) { name, function, rows_logsumexp, sizeof rows_logsumexp / sizeof(double), 3, kind, of, __VA_ARGS__ },
    TWO(hypot, UNITS(4, 4, 8, 64))
    TWO(arctan2, UNITS(4, 8, 16, 64))
    TWO(div, USUAL)
    TWO(logaddexp, USUAL)
    TWO(pow, UNITS(4, 4, 8, 32))
    ROWS("logsumexp", logsumexp_of_columns, WHOLE, 0, USUAL)
    ROWS("softmax[0]", softmax_in_0, SLOPE, 0, USUAL)
    ROWS("softmax[1]", softmax_in_1, SLOPE, 1, USUAL)
    ROWS("softmax[2]", softmax_in_2, SLOPE, 2, USUAL)
    ROWS("log_softmax[0]", log_softmax_in_0, LOGARITHM, 0, USUAL)
    ROWS("log_softmax[1]", log_softmax_in_1, LOGARITHM, 1, USUAL)
    ROWS("log_softmax[2]", log_softmax_in_2, LOGARITHM, 2, USUAL)
};

/* What is right at a point for the levels: numbers follow its arguments. */
static double right_at(const struct columns_row *row, const double *numbers, int order)
{
    static const int firsts[2][5] = { { 0, 1, 3, 6, 10 }, { 0, 1, 4, 10, 20 } };
    const int *first = firsts[row->columns == 3];
    numbers += row->columns;
    if (row->kind == LOGARITHM && order < 2) /* beside the others stand x - y and 1 - w */
        return order == 0 ? numbers[20 + row->of] : levels.column[0] == row->of ? numbers[23 + row->of] : -numbers[1 + levels.column[0]];
    int all = order + (row->kind == SLOPE);
    if (row->kind == SLOPE)
        levels.column[order] = row->of;
    return (row->kind == LOGARITHM ? -1 : 1) * numbers[first[all] + place_of(row->columns, all)];
}

static void check_levels(const struct columns_row *row, ad_dtype dtype, int order, const int *places, int n, struct worst *worst)
{
    AD_SCOPE;
    double x[MAX_POINTS * COLUMNS], y[MAX_POINTS];
    for (int i = 0; i < n; i++)
        memcpy(x + row->columns * i, row->numbers + places[i], (size_t)row->columns * sizeof *x);
    ad_array *points = ad_astype(ad_from(x, AD_SHAPE(n, row->columns)), dtype);
    ck_assert_msg(ad_copy_to(derived(order, points), y, n), "%s: %s", row->name, ad_error_message());
    for (int i = 0; i < n; i++) {
        char where[200];
        const double *numbers = row->numbers + places[i];
        double right = right_at(row, numbers, order);
        snprintf(where, sizeof where, "%s at (%.17g, %.17g, %.17g), %s, order %d in %d %d %d, nesting %d: %.17g for %.17g", row->name, numbers[0],
                 numbers[1], row->columns > 2 ? numbers[2] : 0, ad_dtype_name(dtype), order, levels.column[0], levels.column[1], levels.column[2],
                 levels.reverse, y[i], right);
        double largest = dtype == AD_F64 ? DBL_MAX : FLT_MAX;
        if (fabs(right) <= largest || isfinite(y[i])) /* one beyond the range may be the difference of two */
            note(worst, error_of(y[i], right, right, dtype), row->units[order], where);
    }
}

START_TEST(functions_of_several_numbers)
{
    const struct columns_row *row = &columns_rows[_i];
    int places[MAX_POINTS], stride = row->columns == 2 ? 12 : 29, orders = row->kind == SLOPE ? 2 : 3;
    levels.function = row->function;
    for (ad_dtype dtype = AD_F64; dtype <= AD_F32; dtype++) {
        struct worst worst = { 0 };
        int n = points_of(row->numbers, row->count, row->columns, stride, dtype, places);
        for (int order = 0, ways = 1; order <= orders; order++, ways *= row->columns)
            for (int way = 0; way < ways; way++)
                for (levels.reverse = 0; levels.reverse < 1 << order; levels.reverse++) {
                    for (int level = 0, rest = way; level < COLUMNS; level++, rest /= row->columns)
                        levels.column[level] = rest % row->columns;
                    check_levels(row, dtype, order, places, n, &worst);
                }
        check(&worst, row->name);
    }
}
END_TEST

/* ---- edges: a derivative does not depend on the order in which operands are taken, nor on the modes ---- */

#define BINARY(name) OF_X(name##_at_edges, ad_##name(column_of(x, 0), column_of(x, 1)))
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(maximum)
BINARY(minimum)
BINARY(mod)
BINARY(fmod)
BINARY(zmul)
BINARY(zdiv)
BINARY(zzmul)

static const struct {
    const char *name;
    one *function;
} edge_rows[] = {
    { "add", add_at_edges }, { "sub", sub_at_edges }, { "mul", mul_at_edges }, { "div", div_of_columns }, { "pow", pow_of_columns },
    { "maximum", maximum_at_edges }, { "minimum", minimum_at_edges }, { "mod", mod_at_edges }, { "fmod", fmod_at_edges }, { "hypot", hypot_of_columns },
    { "arctan2", arctan2_of_columns }, { "logaddexp", logaddexp_of_columns }, { "zmul", zmul_at_edges }, { "zdiv", zdiv_at_edges }, { "zzmul", zzmul_at_edges },
};

static const double edges[] = { 0.0, -0.0, INFINITY, -INFINITY, 1, -1, -2, 0.5, -0.5, DBL_MAX, -DBL_MAX, 0x1p-1074, -0x1p-1074, 1e-308, 1e200, -1e200 };
enum { EDGES = sizeof edges / sizeof *edges };

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-13 * fabs(b);
}

START_TEST(derivatives_at_edges_do_not_depend_on_order_or_modes)
{
    AD_SCOPE;
    double x[EDGES * EDGES][2], first[EDGES * EDGES], y[EDGES * EDGES];
    for (int i = 0; i < EDGES * EDGES; i++)
        x[i][0] = edges[i / EDGES], x[i][1] = edges[i % EDGES];
    levels.function = edge_rows[_i].function;
    for (int order = 1; order <= 2; order++)
        for (int seconds = 0; seconds <= order; seconds++) {
            bool any = false;
            for (int way = 0; way < 1 << order; way++) {
                if (__builtin_popcount((unsigned)way) != seconds)
                    continue;
                for (int level = 0; level < order; level++)
                    levels.column[level] = way >> level & 1;
                for (levels.reverse = 0; levels.reverse < 1 << order; levels.reverse++, any = true) {
                    AD_SCOPE;
                    ck_assert(ad_copy_to(derived(order, ad_from(x[0], AD_SHAPE(EDGES * EDGES, 2))), any ? y : first, EDGES * EDGES));
                    for (int i = 0; any && i < EDGES * EDGES; i++)
                        ck_assert_msg(same(y[i], first[i]), "%s at (%g, %g), order %d, %d in the second: %g, by another way %g", edge_rows[_i].name,
                                      x[i][0], x[i][1], order, seconds, y[i], first[i]);
                }
            }
        }
}
END_TEST

/* ---- functions of one complex number ---- */

static one *complex_function;
static ad_array *complex_derived(int order, ad_array *z);
OF_X(complex_sum_of_0, ad_sum(ad_real(complex_derived(0, x))))
OF_X(complex_sum_of_1, ad_sum(ad_real(complex_derived(1, x))))
OF_X(complex_sum_of_2, ad_sum(ad_real(complex_derived(2, x))))
OF_X(complex_derived_0, complex_derived(0, x))
OF_X(complex_derived_1, complex_derived(1, x))
OF_X(complex_derived_2, complex_derived(2, x))

/* The gradient of the real part of a holomorphic function is its derivative. */
static ad_array *complex_derived(int order, ad_array *z)
{
    static one *const sums[] = { complex_sum_of_0, complex_sum_of_1, complex_sum_of_2 };
    static one *const functions[] = { complex_derived_0, complex_derived_1, complex_derived_2 };
    if (order == 0)
        return complex_function(z);
    if (levels.reverse >> (order - 1) & 1)
        return ad_grad(sums[order - 1])(z);
    ad_array *tangent = NULL;
    ad_jvp(functions[order - 1], z, ad_ones_like(z), &tangent);
    return tangent;
}

START_TEST(complex_functions)
{
    const struct row *row = &complex_rows[_i];
    int places[MAX_POINTS];
    static const double units[] = SOME;
    complex_function = row->function;
    for (ad_dtype dtype = AD_C128; dtype <= AD_C64; dtype++) {
        struct worst worst = { 0 };
        int n = points_of(row->numbers, row->count, 2, 10, dtype, places);
        for (int order = 0; order <= 3; order++)
            for (levels.reverse = 0; levels.reverse < 1 << order; levels.reverse++) {
                AD_SCOPE;
                ad_complex z[MAX_POINTS];
                for (int i = 0; i < n; i++)
                    memcpy(&z[i], row->numbers + places[i], sizeof z[i]);
                ad_array *w = ad_astype(complex_derived(order, ad_astype(ad_from_data(AD_C128, z, AD_SHAPE(n)), dtype)), AD_C128);
                const ad_complex *y = w ? ad_data(ad_copy(w)) : NULL;
                ck_assert_msg(y, "%s: %s", row->name, ad_error_message());
                for (int i = 0; i < n; i++) {
                    char where[240];
                    const double *right = row->numbers + places[i] + 2 + 2 * order;
                    double modulus = hypot(right[0], right[1]);
                    snprintf(where, sizeof where, "%s at %.17g%+.17gi, %s, order %d, nesting %d: %.17g%+.17gi for %.17g%+.17gi", row->name, creal(z[i]),
                             cimag(z[i]), ad_dtype_name(dtype), order, levels.reverse, creal(y[i]), cimag(y[i]), right[0], right[1]);
                    if (!isfinite(dtype == AD_C128 ? modulus : (float)modulus))
                        continue;
                    double error = fmax(error_of(creal(y[i]), right[0], modulus, dtype), error_of(cimag(y[i]), right[1], modulus, dtype));
                    note(&worst, error, units[order], where);
                }
            }
        check(&worst, row->name);
    }
}
END_TEST

/* A function without numbers is one whose digits nobody has looked at. */
START_TEST(every_elementwise_function_has_golden_slopes)
{
    static const char *const exact[] = { "ad_neg", "ad_angle" }; /* nothing is rounded; of a real number the slope is 0 */
    for (int i = 0; i < ad_operation_count(); i++) {
        const ad_primitive *op = ad_operation(i);
        const ad_prototype *p = op->derivative ? ad_prototype_of(op->name) : NULL;
        bool wanted = p && p->parameter_count == 1 && p->parameters[0].type == AD_TYPE_ARRAY;
        ad_clear_error();
        for (size_t k = 0; k < sizeof exact / sizeof *exact; k++)
            wanted = wanted && strcmp(op->name, exact[k]) != 0;
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            wanted = wanted && strcmp(op->name + strlen("ad_"), rows[k].name) != 0;
        ck_assert_msg(!wanted, "%s has no numbers in tests/golden/slopes.inc: add a line for it to REAL in tests/golden/slopes.py, and run that", op->name);
    }
}
END_TEST

int main(int argc, char **argv)
{
    print_all = argc > 1 && strcmp(argv[1], "--all") == 0;
    print_table = print_all || (argc > 1 && strcmp(argv[1], "--table") == 0);
    Suite *suite = suite_create("golden_slopes");
    TCase *tests = tcase_create("golden_slopes");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_elementwise_function_has_golden_slopes);
    tcase_add_loop_test(tests, real_functions, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, functions_of_several_numbers, 0, sizeof columns_rows / sizeof *columns_rows);
    tcase_add_loop_test(tests, derivatives_at_edges_do_not_depend_on_order_or_modes, 0, sizeof edge_rows / sizeof *edge_rows);
    tcase_add_loop_test(tests, complex_functions, 0, sizeof complex_rows / sizeof *complex_rows);
    suite_add_tcase(suite, tests);
    if (print_table)
        setenv("CK_FORK", "no", 1);
    return run_suite(suite);
}
