/* HYPER_IMPLICIT: derivatives at the end of training, as if the gradient of the loss were zero there.
 *
 * Where g(x, theta) = grad_x L = 0, dx/dtheta = -H^-1 dg/dtheta with H = dg/dx. So a cotangent f_x of x gives dtheta =
 * -u^T dg/dtheta with H u = f_x (Bengio, "Gradient-based optimization of hyperparameters", 2000). The equation is
 * solved by conjugate gradients, or by the Neumann series u = eta sum_k (1 - eta H)^k f_x (Lorraine, Vicol and
 * Duvenaud, "Optimizing millions of hyperparameters by implicit differentiation", 2020). The series needs eigenvalues
 * of H between 0 and 2/eta. Neither the initial x nor the rates matter at such a point: their derivatives are zero. */
#include "run.h"

#include <math.h>

typedef struct {
    hyper_run *run;
    double *right, *u, *residual, *direction, *product;
} equation;

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* a += factor b. */
static void add(int64_t n, double *a, double factor, const double *b)
{
    for (int64_t i = 0; i < n; i++)
        a[i] += factor * b[i];
}

/* s->product = H^T times a vector. If `theta`, the terms of theta are added up too. */
static bool multiply(equation *s, const double *vector, bool theta)
{
    AD_SCOPE;
    hyper_run *run = s->run;
    hyper_slopes slopes = { 0 };
    int64_t T = run->training.iterations;
    bool done = hyper_values_put(run, &run->direction_values, vector);
    if (run->training.direction)
        done = done && hyper_pullback_at(run, T, &slopes) && hyper_product_by_pullback(run, &slopes);
    else
        done = done && hyper_products_at(run, T, &slopes);
    for (int k = 0; done && k < run->leaf_count; k++) {
        const hyper_leaf *leaf = &run->leaves[k];
        for (int64_t i = 0; i < leaf->size; i++)
            s->product[leaf->start + i] = hyper_value_at(leaf, run->product_data[k], i);
    }
    done = done && (!theta || hyper_add_theta(run, slopes.theta, -1));
    ad_vjp_free(slopes.pull);
    return done;
}

static int64_t most_iterations(const hyper_run *run)
{
    return run->training.solver_iterations ? run->training.solver_iterations : HYPER_SOLVER_ITERATIONS;
}

/* The residual at which the solver ends. */
static double enough(const equation *s)
{
    double tolerance = s->run->training.solver_tolerance > 0 ? s->run->training.solver_tolerance : HYPER_SOLVER_TOLERANCE;
    return tolerance * sqrt(dot(s->run->parameter_count, s->right, s->right));
}

/* Hestenes and Stiefel (1952), from u = 0. */
static bool by_conjugate_gradients(equation *s)
{
    int64_t n = s->run->parameter_count;
    double squares = dot(n, s->residual, s->residual), aim = enough(s);
    for (int64_t i = 0; i < most_iterations(s->run) && sqrt(squares) > aim; i++) {
        if (!multiply(s, s->direction, false))
            return false;
        double curvature = dot(n, s->direction, s->product);
        if (!(curvature > 0))
            return ad_set_error(AD_ERROR_NUMERIC, "%s: the Hessian of the loss at the end of training is not positive definite (a direction has curvature %g); "
                                "HYPER_NEUMANN does not need that, and a penalty or more training may mend it", s->run->name,
                                curvature / dot(n, s->direction, s->direction)), false;
        double step = squares / curvature;
        add(n, s->u, step, s->direction);
        add(n, s->residual, -step, s->product);
        double next = dot(n, s->residual, s->residual);
        for (int64_t j = 0; j < n; j++)
            s->direction[j] = s->residual[j] + next / squares * s->direction[j];
        squares = next;
    }
    return true;
}

/* An estimate of |H| by the power method, from f_x. */
static bool largest_eigenvalue(equation *s, double *largest)
{
    enum { ROUNDS = 20 };
    int64_t n = s->run->parameter_count;
    double norm = sqrt(dot(n, s->right, s->right));
    for (int64_t j = 0; j < n; j++)
        s->direction[j] = s->right[j] / norm;
    *largest = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (!multiply(s, s->direction, false))
            return false;
        norm = sqrt(dot(n, s->product, s->product));
        *largest = norm > *largest ? norm : *largest;
        for (int64_t j = 0; j < n && norm > 0; j++)
            s->direction[j] = s->product[j] / norm;
    }
    return true;
}

static bool by_neumann_series(equation *s)
{
    int64_t n = s->run->parameter_count;
    double largest, aim = enough(s);
    if (!largest_eigenvalue(s, &largest))
        return false;
    double eta = largest > 0 ? 1 / (1.1 * largest) : 1;
    for (int64_t i = 0; i < most_iterations(s->run) && sqrt(dot(n, s->residual, s->residual)) > aim; i++) {
        add(n, s->u, eta, s->residual);
        if (!multiply(s, s->residual, false))
            return false;
        add(n, s->residual, -eta, s->product);
    }
    return true;
}

static bool solve(equation *s)
{
    int64_t n = s->run->parameter_count;
    for (int64_t i = 0; i < n; i++)
        s->residual[i] = s->direction[i] = s->right[i];
    if (dot(n, s->right, s->right) == 0)
        return true;
    if (s->run->training.solver == HYPER_NEUMANN)
        return by_neumann_series(s);
    return by_conjugate_gradients(s);
}

bool hyper_gradients_by_implicit_function(hyper_run *run, hyper_adjoint *a)
{
    int64_t n = run->parameter_count;
    double *room = hyper_room(5 * n, sizeof *room);
    equation s = { run, room, room + n, room + 2 * n, room + 3 * n, room + 4 * n };
    for (int k = 0; room && k < run->leaf_count; k++)
        for (int64_t i = 0; i < run->leaves[k].size; i++)
            s.right[run->leaves[k].start + i] = hyper_value_at(&run->leaves[k], hyper_values_of(&run->leaves[k], a->state[0]), i);
    a->more_bytes = 5 * n * (int64_t)sizeof *room;
    bool done = room && solve(&s) && multiply(&s, s.u, true);
    if (done && run->training.report)
        run->training.report->residual = sqrt(dot(n, s.residual, s.residual));
    ad_memory_give(room);
    return done;
}
