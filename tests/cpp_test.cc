/* ad.hpp: values, operators, named options, derivatives of what can be called, exceptions. */
#include <ad/ad.hpp>
#include "suite.h"
#include <cmath>
#include <functional>
#include <memory>
#include <sstream>
#include <unistd.h>

using namespace ad::named;

static const double pi = std::acos(-1.0);

#define assert_near(actual, expected) ck_assert_double_eq_tol(static_cast<double>(actual), expected, 1e-12 * (1 + std::abs(expected)))
#define assert_values(x, ...) ck_assert_msg(near((x).to_vector(), { __VA_ARGS__ }), "%s is %s", #x, text(x).c_str())

static bool near(const std::vector<double> &a, const std::vector<double> &b)
{
    if (a.size() != b.size())
        return false;
    for (size_t i = 0; i < a.size(); i++)
        if (!(std::abs(a[i] - b[i]) <= 1e-12 * (1 + std::abs(b[i]))))
            return false;
    return true;
}

static std::string text(const ad::array &x)
{
    std::ostringstream stream;
    stream << x;
    return stream.str();
}

static int64_t live_bytes()
{
    ad_memory_usage usage;
    ad_memory_stats(&usage);
    return usage.live;
}

/* ---- values ---- */

START_TEST(arrays_mix_with_numbers_of_any_type)
{
    ad::array x = ad::from({ 1, 2, 3 });
    assert_values(x + 1, 2, 3, 4);
    assert_values(1 - x, 0, -1, -2);
    assert_values(2.0f * x / 4u, 0.5, 1, 1.5);
    assert_values(-x + x, 0, 0, 0);
    ad::array sum = x;
    sum += x;
    sum *= 0.5;
    assert_values(sum, 1, 2, 3);
    ck_assert(ad::astype(x, AD_F32).dtype() == AD_F32 && (ad::astype(x, AD_F32) * 2.5).dtype() == AD_F32);
    ck_assert((x * std::complex<double>(0, 1)).dtype() == AD_C128);
    ck_assert((ad::arange(3) * 2).dtype() == AD_I64 && ad::arange(3.0).dtype() == AD_F64);
    ck_assert(ad::matmul(x, x).item() == 14 && double(ad::array(2.5)) == 2.5);
    ck_assert((ad::array(1.5) * std::complex<double>(0, 2)).item_complex() == std::complex<double>(0, 3));
}
END_TEST

START_TEST(options_are_named)
{
    ad::array x = ad::from({ 1, 2, 3, 4, 5, 6 }, { 2, 3 });
    assert_values(ad::sum(x), 21);
    assert_values(ad::sum(x, axis = 0), 5, 7, 9);
    ck_assert_int_eq(ad::sum(x, axes = { 0, -1 }, keepdims = true).ndim(), 2);
    assert_values(ad::max(x, axis = 1, where = ad::less(x, 6), initial = -1.5), 3, 5);
    assert_values(ad::transpose(x, axes = { 1, 0 })[0], 1, 4);
    assert_values(ad::linspace(0, 1, num = 3), 0, 0.5, 1);
    assert_values(ad::pad(ad::from({ 1, 2 }), 0, widths = { { 1, 2 } }, mode = "edge"), 1, 1, 2, 2, 2);
    assert_values(ad::pad(ad::from({ 1, 2 }), 1, constant_values = 9), 9, 1, 2, 9);
    assert_values(ad::concatenate({ x, x }, axis = 1)["0"], 1, 2, 3, 1, 2, 3);
    assert_values(ad::stack({ ad::array(1), ad::array(2) }), 1, 2);
    assert_values(ad::einsum("ij,ij->i", x, x), 14, 77);
    ck_assert(ad::zeros({ 2, 0, 3 }, dtype = AD_F32).dtype() == AD_F32);
    assert_values(ad::clip(x[0], nullptr, 2), 1, 2, 2);
}
END_TEST

START_TEST(an_index_is_a_string_or_a_list)
{
    ad::array x = ad::from({ 1, 2, 3, 4, 5, 6 }, { 2, 3 });
    int64_t row = 1;
    assert_values(x[row], 4, 5, 6);
    assert_values(x[0], 1, 2, 3);
    assert_values(x["1, ::-1"], 6, 5, 4);
    assert_values((x[{ 0, ad::slice(1, {}) }]), 2, 3);
    assert_values((x[{ ad::slice(), 0 }]), 1, 4);
    assert_values(x[ad::arange(2)], 1, 2, 3, 4, 5, 6);
    assert_values((x[{ ad::ellipsis, ad::newaxis, -1 }]), 3, 6);
    assert_values(ad::at_set(x, 0, { 0, 0 }), 0, 2, 3, 4, 5, 6);
    assert_values(ad::at_add(x, 1, "1"), 1, 2, 3, 5, 6, 7);
    try {
        ad::at(x, "%d");
        ck_abort_msg("a conversion of printf is taken");
    } catch (const ad::error &e) {
        ck_assert_int_eq(e.code(), AD_ERROR_INDEX);
    }
}
END_TEST

START_TEST(trees_hold_arrays_by_name_and_by_position)
{
    ad::tree t = { { "W", ad::from({ 1, 2 }) }, { "b", 3 }, { "inner", ad::list{ ad::array(4), 5.5 } } };
    assert_values(t["W"], 1, 2);
    assert_values(t["inner/1"], 5.5);
    ck_assert(t["b"].dtype() == AD_I64 && t.has("inner/0") && !t.has("c") && t.count() == 3 && t.name(1) == "b");
    assert_values(t.set("b", ad::array(7))["b"], 7);
    ck_assert_int_eq(static_cast<int>(t.leaves().size()), 4);
    assert_values(t.map([](const ad::array &x) { return x * 2; })["W"], 2, 4);
    assert_values(t.map([](const ad::array &x, const ad::array &y) { return x + y; }, t)["inner/1"], 11);
    ad::tree by_path = t.map_with_path([](const std::string &path, const ad::array &x) { return path == "inner/1" ? -x : x; });
    assert_values(by_path["inner/1"], -5.5);
    assert_values(by_path["W"], 1, 2);
    assert_values(ad::flatten(t), 1, 2, 3, 4, 5.5);
    assert_values(ad::unflatten(t, ad::flatten(t))["W"], 1, 2);
    try {
        t["nothing"];
        ck_abort_msg("there is no such entry");
    } catch (const ad::error &) {
    }
}
END_TEST

START_TEST(trees_are_saved_and_loaded)
{
    std::string path = "cpp_test_" + std::to_string(getpid()) + ".npz";
    ad::tree t = { { "W", ad::from({ 1, 2 }) }, { "inner", ad::list{ ad::array(4), 5.5 } } };
    ad::savez(path, t);
    ad::tree u = ad::loadz(path);
    ck_assert(ad_tree_same_structure(t.get(), u.get()));
    assert_values(u["inner/1"], 5.5);
    remove(path.c_str());
    try {
        ad::loadz(path);
        ck_abort_msg("there is no such file");
    } catch (const ad::error &e) {
        ck_assert_int_eq(e.code(), AD_ERROR_IO);
    }
}
END_TEST

START_TEST(arrays_live_as_long_as_their_values)
{
    ad::array kept = ad::ones({ 1000 });
    for (int round = 0; round < 3; round++) {
        int64_t before = live_bytes();
        for (int i = 0; i < 100; i++)
            kept = ad::sin(kept) * 0.5 + ad::grad([](const ad::array &x) { return ad::sum(x * x); })(kept) * 0.1;
        if (round > 0)
            ck_assert_int_eq(live_bytes(), before);
    }
    ad::array moved = std::move(kept);
    ck_assert(!kept && moved);
    try {
        ad::sin(kept);
        ck_abort_msg("an empty value is used");
    } catch (const ad::error &) {
    }
    ck_assert(!ad_failed());
}
END_TEST

/* ---- derivatives ---- */

static ad::array cube(const ad::array &x)
{
    return x * x * x;
}

extern "C" ad_array *c_square(ad_array *x)
{
    return ad_mul(x, x);
}

START_TEST(anything_that_can_be_called_has_a_gradient)
{
    double factor = 3;
    std::function<ad::array(ad::array)> held = [](ad::array x) { return 4 * x; };
    auto unique = std::make_unique<double>(5);
    assert_near(ad::grad(cube)(2), 12);
    assert_near(ad::grad(c_square)(3), 6);
    assert_near(ad::grad(ad::sin)(0.5), std::cos(0.5));
    assert_near(ad::grad([&](const ad::array &x) { return factor * x; })(1), 3);
    assert_near(ad::grad([](auto x) { return x * x; })(3), 6);
    assert_near(ad::grad(held)(1), 4);
    assert_near(ad::grad([p = std::move(unique)](const ad::array &x) { return x * *p; })(1), 5);
    assert_values(ad::grad([](const ad::array &x) { return ad::sum(ad::exp(x) * x); })(ad::from({ 0, 1 })), 1, 2 * std::exp(1));
}
END_TEST

START_TEST(other_arguments_are_handed_on)
{
    auto f = [](const ad::array &x, int n, const std::string &kind, const ad::array &y) { return kind == "power" ? ad::pow(x, n) * y : x; };
    ad::array y(5);
    assert_near(ad::grad(f)(2, 3, std::string("power"), y), 60);
    assert_near(ad::grad<3>(f)(2.0, 3, "power", 5), 8);
    int calls = 0;
    auto counting = [](const ad::array &x, int &count) { return count++, x * x; };
    assert_near(ad::grad(counting)(ad::array(3), calls), 6);
    ck_assert_int_eq(calls, 1);
    auto [value, gradient] = ad::value_and_grad<1>([](const ad::array &a, const ad::array &b) { return a * b * b; })(ad::array(2), ad::array(3));
    assert_near(value, 18);
    assert_near(gradient, 12);
}
END_TEST

START_TEST(derivatives_of_derivatives_close_over_outer_variables)
{
    assert_near(ad::grad(ad::grad(ad::grad(cube)))(2), 6);
    auto g = ad::grad([](const ad::array &x) {
        auto inner = ad::grad([&](const ad::array &y) { return x * x * y * y; });
        return inner(x) * x; /* 2 x^3 x */
    });
    assert_near(g(1.5), 8 * std::pow(1.5, 3));
    auto sum = [](const ad::array &x) { return ad::grad([&](const ad::array &y) { return x + y; })(1); };
    assert_near(ad::grad(sum)(1), 0);
    auto [value, tangent] = ad::jvp(ad::grad(cube))(2, 1);
    assert_near(value, 12);
    assert_near(tangent, 12);
}
END_TEST

START_TEST(every_transformation_gives_its_derivative)
{
    auto f = [](const ad::array &x) { return ad::sum(x * x * x); };
    auto vector = [](const ad::array &x) { return x * x; };
    ad::array x = ad::from({ 1, 2 }), v = ad::from({ 1, 0.5 });
    assert_values(ad::jacobian(vector)(x), 2, 0, 0, 4);
    assert_values(ad::hessian(f)(x), 6, 0, 0, 12);
    assert_values(ad::hvp(f)(x, v), 6, 6);
    assert_values(ad::hessian_vector_product(f)(x, v), 6, 6);
    assert_values(ad::tensor_jacobian_product(vector)(x, v), 2, 2);
    assert_values(ad::ggnvp(vector)(x, v), 4, 8);
    assert_values(ad::elementwise_grad(vector)(x), 2, 4);
    assert_values(ad::deriv(vector)(x), 2, 4);
    auto [y, t] = ad::jvp(vector)(x, v);
    assert_values(y, 1, 4);
    assert_values(t, 2, 2);
    auto [z, pull] = ad::vjp(vector)(x);
    assert_values(z, 1, 4);
    assert_values(pull(v), 2, 2);
    assert_values(pull(x), 2, 8);
    ad::tree with_aux = ad::grad_and_aux([](const ad::array &a) { return ad::list{ ad::sum(a * a), a }; })(x);
    assert_values(with_aux["0"], 2, 4);
    assert_values(with_aux["1"], 1, 2);
    ck_assert(ad::holomorphic_grad([](const ad::array &a) { return a * a; })(ad::astype(ad::array(2), AD_C128)).item_complex() == std::complex<double>(4));
    ad::check_grads(f, order = 2)(x);
}
END_TEST

START_TEST(functions_of_trees_have_trees_as_gradients)
{
    ad::tree parameters = { { "W", ad::from({ 1, 2 }) }, { "b", 0.5 } };
    auto f = [](const ad::tree &p, const ad::array &x) { return ad::sum(p["W"] * x) * p["b"]; };
    ad::tree g = ad::grad(f)(parameters, ad::from({ 3, 4 }));
    assert_values(g["W"], 1.5, 2);
    assert_values(g["b"], 11);
    assert_values(ad::grad<1>(f)(parameters, ad::from({ 3, 4 })), 0.5, 1);
    ad::tree h = ad::hvp(f)(parameters, ad::from({ 3, 4 }), parameters);
    assert_values(h["b"], 11);
}
END_TEST

START_TEST(checkpoints_and_fixed_points_take_lambdas)
{
    auto f = [](const ad::array &x) {
        ad::array squared = x * x;
        ad::array y = ad::checkpoint([&](const ad::array &z) { return ad::sin(z) * squared; })(x);
        return y * x;
    };
    double x = 0.7, expected = 3 * x * x * std::sin(x) + x * x * x * std::cos(x);
    assert_near(ad::grad(f)(x), expected);
    auto second = 6 * x * std::sin(x) + 6 * x * x * std::cos(x) - x * x * x * std::sin(x);
    assert_near(ad::grad(ad::grad(f))(x), second);

    auto root = [](const ad::array &a) { return ad::fixed_point([](const ad::array &y, const ad::array &b) { return 0.5 * (y + b / y); }, ad::array(1), a); };
    ck_assert_double_eq_tol(double(ad::grad(root)(2)), 0.5 / std::sqrt(2), 1e-9);
}
END_TEST

/* ---- errors ---- */

struct refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

START_TEST(errors_are_exceptions_with_code_and_sentence)
{
    try {
        ad::ones({ 2 }) + ad::ones({ 3 });
        ck_abort_msg("the shapes do not broadcast");
    } catch (const ad::error &e) {
        ck_assert_int_eq(e.code(), AD_ERROR_SHAPE);
        ck_assert(std::string(e.what()).find("ad_add") != std::string::npos);
    }
    ck_assert(!ad_failed());
    try {
        ad::grad([](const ad::array &x) { return x; })(ad::ones({ 2 }));
        ck_abort_msg("the result is no scalar");
    } catch (const ad::error &e) {
        ck_assert_int_eq(e.code(), AD_ERROR_TRANSFORM);
    }
    try {
        ad::ones({ 2 }).item();
        ck_abort_msg("there are two elements");
    } catch (const ad::error &) {
    }
    ck_assert(!ad_failed());
}
END_TEST

START_TEST(an_exception_passes_through_a_derivative_as_it_is)
{
    int throws_left = 0;
    auto f = [&](const ad::array &x) {
        ad::array y = ad::sin(x);
        if (throws_left-- > 0)
            throw refusal("from f");
        return ad::sum(y);
    };
    ad::array x(0.5);
    for (int i = 0; i < 70; i++) {
        throws_left = 1;
        try {
            ad::grad(ad::grad(f))(x);
            ck_abort_msg("nothing was thrown");
        } catch (const refusal &e) {
            ck_assert_str_eq(e.what(), "from f");
        }
        ck_assert(!ad_failed());
        throws_left = 0;
        assert_near(ad::grad(f)(x), std::cos(0.5));
    }
    try {
        ad::grad([](const ad::array &a) -> ad::array { throw a.ndim(); })(x);
        ck_abort_msg("nothing was thrown");
    } catch (int thrown) {
        ck_assert_int_eq(thrown, 0);
    }
    try { /* an error of a function inside keeps its code */
        ad::hessian([](const ad::array &a) { return ad::sum(a + ad::ones({ 3 })); })(ad::ones({ 2 }));
        ck_abort_msg("nothing was thrown");
    } catch (const ad::error &e) {
        ck_assert_int_eq(e.code(), AD_ERROR_SHAPE);
    }
    auto caught_inside = [](const ad::array &a) {
        try {
            return ad::grad([](const ad::array &b) -> ad::array { throw refusal(text(b)); })(a);
        } catch (const refusal &) {
            return a * a;
        }
    };
    assert_near(ad::grad(caught_inside)(3), 6);
    try { /* out of a checkpoint, and of the iterations of a fixed point's derivative */
        ad::grad([&](const ad::array &a) { return ad::checkpoint([](const ad::array &b) -> ad::array { throw refusal(text(b)); })(a); })(x);
        ck_abort_msg("nothing was thrown");
    } catch (const refusal &) {
    }
    try {
        int calls = 0;
        auto few_calls = [&calls](const ad::array &y, const ad::array &b) { return calls++ < 100 ? 0.5 * (y + b / y) : throw refusal("too many calls"); };
        for (int i = 0; i < 100; i++)
            ad::grad([&](const ad::array &a) { return ad::fixed_point(few_calls, ad::array(1), a); })(2);
        ck_abort_msg("nothing was thrown");
    } catch (const refusal &e) {
        ck_assert_str_eq(e.what(), "too many calls");
    }
    ck_assert(!ad_failed());
}
END_TEST

/* ---- a program ---- */

START_TEST(newtons_method_finds_the_minimum_of_a_logistic_loss)
{
    ad_key key = ad_random_key(7);
    ad::array X = ad::random_normal(ad_random_fold_in(key, 0), { 200, 3 });
    ad::array truth = ad::from({ 1, -2, 0.5 });
    ad::array y = ad::less(ad::random_uniform(ad_random_fold_in(key, 1), { 200 }), ad::sigmoid(ad::matmul(X, truth)));
    auto loss = [&](const ad::array &w) {
        ad::array logits = ad::matmul(X, w);
        return ad::mean(ad::softplus(logits) - y * logits) + 1e-3 * ad::sum(w * w);
    };
    ad::array w = ad::zeros({ 3 });
    auto newton_step = [&](const ad::array &p) { /* by conjugate gradients on products with the Hessian */
        ad::array g = ad::grad(loss)(p), step_taken = ad::zeros({ 3 }), r = -g, d = r;
        for (int i = 0; i < 3; i++) {
            ad::array h = ad::hvp(loss)(p, d), rr = ad::matmul(r, r), along = rr / ad::matmul(d, h);
            step_taken += along * d;
            r -= along * h;
            d = r + ad::matmul(r, r) / rr * d;
        }
        return step_taken;
    };
    for (int i = 0; i < 8; i++)
        w += newton_step(w);
    ck_assert_double_lt(ad::linalg_norm(ad::grad(loss)(w)).item(), 1e-10);
    ck_assert_double_lt(ad::linalg_norm(w - truth).item(), 1.0);
}
END_TEST

START_TEST(a_network_learns_exclusive_or)
{
    ad::array X = ad::from({ 0, 0, 0, 1, 1, 0, 1, 1 }, { 4, 2 }), y = ad::from({ 0, 1, 1, 0 });
    ad_key key = ad_random_key(3);
    ad::tree p = { { "W1", ad::random_normal(ad_random_fold_in(key, 0), { 2, 8 }) },
                   { "b1", ad::zeros({ 8 }) },
                   { "w2", ad::random_normal(ad_random_fold_in(key, 1), { 8 }) },
                   { "b2", ad::zeros({}) } };
    auto output = [&](const ad::tree &q) { return ad::matmul(ad::tanh(ad::matmul(X, q["W1"]) + q["b1"]), q["w2"]) + q["b2"]; };
    auto loss = [&](const ad::tree &q) { ad::array z = output(q); return ad::mean(ad::softplus(z) - y * z); };
    auto step_along = ad::value_and_grad(loss);
    for (int i = 0; i < 300; i++) {
        auto [value, gradient] = step_along(p);
        p = p.map([](const ad::array &x, const ad::array &g) { return x - 0.5 * g; }, gradient);
    }
    assert_values(ad::rint(ad::sigmoid(output(p))), 0, 1, 1, 0);
    ck_assert_double_lt(pi * loss(p).item(), 1);
}
END_TEST

int main()
{
    const TTest *const tests[] = { arrays_mix_with_numbers_of_any_type, options_are_named, an_index_is_a_string_or_a_list, trees_hold_arrays_by_name_and_by_position,
        trees_are_saved_and_loaded,
                                   arrays_live_as_long_as_their_values, anything_that_can_be_called_has_a_gradient, other_arguments_are_handed_on,
                                   derivatives_of_derivatives_close_over_outer_variables, every_transformation_gives_its_derivative,
                                   functions_of_trees_have_trees_as_gradients, checkpoints_and_fixed_points_take_lambdas,
                                   errors_are_exceptions_with_code_and_sentence, an_exception_passes_through_a_derivative_as_it_is,
                                   newtons_method_finds_the_minimum_of_a_logistic_loss, a_network_learns_exclusive_or };
    Suite *suite = suite_create("cpp");
    for (const TTest *test : tests) {
        TCase *of_one = tcase_create(test->name);
        tcase_add_test(of_one, test);
        suite_add_tcase(suite, of_one);
    }
    return run_suite(suite);
}
