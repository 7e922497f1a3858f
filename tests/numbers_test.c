/* Calls on numbers, 0-d float64 arrays, take a way of their own through the engine. It gives what the general way
 * gives, bit for bit: the same function of an array of one element. */
#include "testing.h"

typedef ad_array *function(ad_array *);

/* ---- functions of x, and of x and the constant c ---- */

static double constant;

#define UNARY(f)        OF_X(of_##f, ad_##f(x))
#define BINARY(f)       OF_X(f##_of_x_c, ad_##f(x, constant)) OF_X(f##_of_c_x, ad_##f(constant, x)) OF_X(f##_of_x_x, ad_##f(ad_sin(x), ad_mul(x, x)))
#define ENTRY(f)        of_##f,
#define THREE(f)        f##_of_x_c, f##_of_c_x, f##_of_x_x,
#define EACH_UNARY(M)                                                                                                                                  \
    M(neg) M(reciprocal) M(square) M(sqrt) M(cbrt) M(abs) M(fabs) M(deg2rad) M(rad2deg) M(exp) M(exp2) M(expm1) M(log) M(log2) M(log10) M(log1p) M(sin) M(cos) M(tan) M(arcsin)       \
    M(arccos) M(arctan) M(sinh) M(cosh) M(tanh) M(arcsinh) M(arccosh) M(arctanh) M(sigmoid) M(log_sigmoid) M(softplus) M(relu) M(erf) M(erfc)           \
    M(gammaln) M(digamma) M(sign) M(floor) M(real) M(conj)
#define EACH_BINARY(M)                                                                                                                                 \
    M(add) M(sub) M(mul) M(div) M(pow) M(maximum) M(minimum) M(hypot) M(arctan2) M(mod) M(fmod) M(logaddexp) M(zmul) M(zdiv) M(zzmul)

EACH_UNARY(UNARY)
EACH_BINARY(BINARY)
OF_X(cubed, ad_pow(x, 3))
OF_X(inverse_square, ad_pow(x, -2))
OF_X(chain, ad_tanh(ad_add(ad_div(ad_mul(ad_neg(x), ad_pow(x, 2)), 6), ad_sub(constant, ad_exp(ad_mul(x, 0.5))))))

static function *const functions[] = { EACH_UNARY(ENTRY) EACH_BINARY(THREE) cubed, inverse_square, chain };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* ---- derivatives of all of them along v, in each nesting of modes to order 4 ---- */

static ad_array *direction;

static ad_array *derivative(const char *modes, function *f, ad_array *x)
{
    ad_array *tangent = NULL;
    function *g = f;
    for (size_t i = strlen(modes) - 1; i > 0; i--)
        g = modes[i] == 'f' ? ad_deriv(g) : ad_elementwise_grad(g);
    if (modes[0] == 'r')
        return ad_elementwise_grad(g)(x);
    ad_jvp(g, x, direction, &tangent);
    return tangent;
}

static bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void compare(const char *modes, double point, double v)
{
    for (int i = 0; i < FUNCTIONS; i++) {
        AD_SCOPE;
        direction = ad_scalar(v);
        double number = ad_item(derivative(modes, functions[i], ad_scalar(point)));
        direction = VECTOR(v);
        double general = ad_item(derivative(modes, functions[i], VECTOR(point)));
        ck_assert_msg(!ad_failed(), "%s", ad_error_message());
        ck_assert_msg(same_bits(number, general), "function %d, modes %s, at %g along %g, constant %g: %.17g as a number, %.17g in an array", i, modes, point, v,
                      constant, number, general);
    }
}

static const double points[] = { 0.3, -1.7, 0.0, -0.0, 1, 250, -1e200, 1e-310, INFINITY, -INFINITY, NAN };
enum { POINTS = sizeof points / sizeof *points };

START_TEST(derivatives_have_the_bits_of_the_general_way)
{
    static const char *const nestings[] = { "f", "r", "ff", "fr", "rf", "rr" };
    for (int n = 0; n < 6; n++)
        for (int i = 0; i < POINTS; i++)
            for (int k = 0; k < 3; k++) {
                constant = (double[]){ 0.7, 0.0, -INFINITY }[k];
                compare(nestings[n], points[i], 1);
            }
}
END_TEST

START_TEST(directions_may_be_any_numbers)
{
    constant = 0.7;
    for (int i = 0; i < POINTS; i++)
        for (int k = 0; k < POINTS; k++) {
            compare("f", points[i], points[k]);
            compare("fr", points[i], points[k]);
            compare("ff", points[i], points[k]);
        }
}
END_TEST

START_TEST(nestings_of_higher_order_have_the_bits_of_the_general_way)
{
    constant = 0.7;
    for (int order = 3; order <= 4; order++)
        for (int bits = 0; bits < 1 << order; bits++) {
            char modes[5] = "";
            for (int i = 0; i < order; i++)
                modes[i] = bits >> i & 1 ? 'f' : 'r';
            compare(modes, 0.3, 0.5);
            compare(modes, -0.0, 1);
        }
}
END_TEST

/* ---- what a checkpoint remembers of numbers with tangents ---- */

static ad_array *outer;

static ad_array *block(ad_array *y)
{
    ad_array *z = ad_mul(ad_sin(ad_mul(y, outer)), ad_exp(ad_div(y, 3)));
    return ad_add(ad_mul(z, outer), ad_mul(ad_sub(outer, 2), y));
}

static bool checkpointed, forward_inside;

static ad_array *with_block(ad_array *y)
{
    return checkpointed ? ad_mul(ad_checkpoint(block)(ad_mul(y, y)), ad_checkpoint(block)(y)) : ad_mul(block(ad_mul(y, y)), block(y));
}

static ad_array *inner_derivative(ad_array *x)
{
    outer = ad_mul(x, x);
    return (forward_inside ? ad_deriv(with_block) : ad_grad(with_block))(ad_add(x, 1));
}

START_TEST(checkpoints_keep_the_tangents_of_numbers)
{
    for (int modes = 0; modes < 8; modes++) {
        AD_SCOPE;
        forward_inside = modes & 1;
        function *d = modes & 2 ? ad_deriv(inner_derivative) : ad_grad(inner_derivative);
        d = modes & 4 ? ad_deriv(d) : ad_grad(d);
        checkpointed = false;
        double want = ad_item(d(ad_scalar(0.4)));
        checkpointed = true;
        assert_close(ad_item(d(ad_scalar(0.4))), want, 0);
    }
}
END_TEST

/* ---- lives of numbers with tangents ---- */

static ad_array *kept[2];

static ad_array *keeping(ad_array *x)
{
    kept[0] = ad_retain(ad_mul(x, x));
    kept[1] = ad_retain(ad_deriv(ad_square)(x));
    return ad_add(x, kept[0]);
}

static void *drop_kept(void *unused)
{
    for (int i = 0; i < 2; i++)
        ad_release(kept[i]);
    return unused;
}

START_TEST(another_thread_may_drop_a_number_with_tangents)
{
    for (int i = 0; i < 20; i++) {
        AD_SCOPE;
        pthread_t thread;
        function *d = i % 2 ? ad_deriv(keeping) : ad_deriv(ad_deriv(keeping));
        assert_close(ad_item(d(ad_scalar(2))), i % 2 ? 5 : 2, 1e-15);
        assert_close(ad_item(ad_mul(kept[0], kept[1])), 16, 1e-15);
        ck_assert_int_eq(pthread_create(&thread, NULL, drop_kept, NULL), 0);
        pthread_join(thread, NULL);
    }
}
END_TEST

static int64_t live_bytes(void)
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    return usage.live;
}

static int64_t bytes_of_a_call;

/* Two calls that make dozens of numbers in their rules. */
static ad_array *measured(ad_array *x)
{
    ad_array *y = ad_hypot(ad_arctan2(x, 2), x);
    int64_t before = live_bytes();
    for (int i = 0; i < 100; i++)
        y = ad_hypot(y, x);
    bytes_of_a_call = (live_bytes() - before) / 100;
    return y;
}

START_TEST(forward_rules_leave_nothing_behind)
{
    AD_SCOPE;
    int records = is_checked() ? 2 : 1; /* a checked build keeps a record beside each array */
    ad_deriv(measured)(ad_scalar(1));
    ck_assert_int_le(bytes_of_a_call, 256 * records);
    ad_deriv(measured)(VECTOR(1));
    ck_assert_int_le(bytes_of_a_call, 512 * records);
}
END_TEST

RUN_TESTS("numbers", derivatives_have_the_bits_of_the_general_way, directions_may_be_any_numbers, nestings_of_higher_order_have_the_bits_of_the_general_way,
          checkpoints_keep_the_tangents_of_numbers, another_thread_may_drop_a_number_with_tangents, forward_rules_leave_nothing_behind)
