/* The loss and the gradient of a network of tanh layers, written by hand on the BLAS, for one type: the includer
 * defines REAL, NAME(x), GEMM, TANH, EXP and SUM(values, count), which is bench_sum_values or bench_sum_floats.
 * Everything lies in memory that was taken before. */

typedef struct {
    const network *net;
    const REAL *x, *W[LAYERS], *b[LAYERS];
    const int64_t *labels;
    REAL *h[LAYERS], *dh[LAYERS], *dW[LAYERS], *db[LAYERS];
    double value;
} NAME(by_hand);

static void NAME(loss_by_hand)(void *context)
{
    NAME(by_hand) *q = context;
    const network *net = q->net;
    const REAL *in = q->x;
    for (int l = 0; l < net->layers; l++) {
        int n = net->size[l], m = net->size[l + 1];
        for (int i = 0; i < net->batch; i++)
            memcpy(q->h[l] + i * m, q->b[l], (size_t)m * sizeof(REAL));
        GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, net->batch, m, n, 1, in, n, q->W[l], m, 1, q->h[l], m);
        for (int i = 0; l + 1 < net->layers && i < net->batch * m; i++)
            q->h[l][i] = TANH(q->h[l][i]);
        in = q->h[l];
    }
    const int last = net->layers - 1, classes = net->size[net->layers];
    q->value = 0;
    for (int i = 0; i < net->batch; i++) {
        REAL *row = q->h[last] + classes * i, *d = q->dh[last] + classes * i, largest = row[0], sum = 0;
        for (int k = 1; k < classes; k++)
            largest = row[k] > largest ? row[k] : largest;
        for (int k = 0; k < classes; k++)
            sum += d[k] = EXP(row[k] - largest);
        q->value -= ((double)(row[q->labels[i]] - largest) - log((double)sum)) / net->batch;
        for (int k = 0; k < classes; k++)
            d[k] = (d[k] / sum - (REAL)(k == q->labels[i])) / (REAL)net->batch;
    }
}

static void NAME(gradient_by_hand)(void *context)
{
    NAME(by_hand) *q = context;
    const network *net = q->net;
    NAME(loss_by_hand)(q);
    for (int l = net->layers - 1; l >= 0; l--) {
        int n = net->size[l], m = net->size[l + 1];
        const REAL *in = l ? q->h[l - 1] : q->x;
        GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, n, m, net->batch, 1, in, n, q->dh[l], m, 0, q->dW[l], m);
        memset(q->db[l], 0, (size_t)m * sizeof(REAL));
        for (int i = 0; i < net->batch; i++)
            for (int k = 0; k < m; k++)
                q->db[l][k] += q->dh[l][i * m + k];
        if (l == 0)
            break;
        GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, net->batch, n, m, 1, q->dh[l], m, q->W[l], m, 0, q->dh[l - 1], n);
        for (int i = 0; i < net->batch * n; i++)
            q->dh[l - 1][i] *= 1 - q->h[l - 1][i] * q->h[l - 1][i];
    }
}

static bench_sum NAME(sum_of_gradient_by_hand)(void *context)
{
    NAME(gradient_by_hand)(context);
    const NAME(by_hand) *q = context;
    bench_sum s = { q->value, fabs(q->value) };
    for (int l = 0; l < q->net->layers; l++) {
        s = bench_sum_add(s, SUM(q->dW[l], (int64_t)q->net->size[l] * q->net->size[l + 1]));
        s = bench_sum_add(s, SUM(q->db[l], q->net->size[l + 1]));
    }
    return s;
}

static bench_sum NAME(sum_of_loss_by_hand)(void *context)
{
    NAME(loss_by_hand)(context);
    double value = ((const NAME(by_hand) *)context)->value;
    return (bench_sum){ value, fabs(value) };
}

/* The same problem, which keeps its arrays for as long as this is used. */
static NAME(by_hand) *NAME(take_by_hand)(const problem *p)
{
    NAME(by_hand) *q = calloc(1, sizeof *q);
    if (!q)
        exit(EXIT_FAILURE);
    q->net = p->net;
    q->x = ad_data(p->x);
    q->labels = ad_data(p->labels);
    for (int l = 0; l < p->net->layers; l++) {
        size_t n = (size_t)p->net->size[l], m = (size_t)p->net->size[l + 1], batch = (size_t)p->net->batch;
        q->W[l] = ad_data(p->W[l]);
        q->b[l] = ad_data(p->b[l]);
        REAL **of[] = { &q->h[l], &q->dh[l], &q->dW[l], &q->db[l] };
        size_t sizes[] = { batch * m, batch * m, n * m, m };
        for (int i = 0; i < 4; i++)
            if (!(*of[i] = malloc(sizes[i] * sizeof(REAL))))
                exit(EXIT_FAILURE);
    }
    return q;
}

static void NAME(give_by_hand)(NAME(by_hand) *q)
{
    for (int l = 0; l < q->net->layers; l++) {
        free(q->h[l]);
        free(q->dh[l]);
        free(q->dW[l]);
        free(q->db[l]);
    }
    free(q);
}

static void NAME(measure)(bench *b, problem *p, double tolerance)
{
    char row[120];
    NAME(by_hand) *q = NAME(take_by_hand)(p);
    snprintf(row, sizeof row, "%s, value", p->name);
    bench_piece value[] = { { .who = "libad", .run = libad_value, .sum = sum_of_value, .context = p },
                            { .who = "C on the same BLAS", .run = NAME(loss_by_hand), .sum = NAME(sum_of_loss_by_hand), .context = q } };
    bench_compare(b, row, tolerance, value, 2);
    snprintf(row, sizeof row, "%s, gradient", p->name);
    bench_piece gradient[] = { { .who = "libad", .run = libad_gradient, .sum = sum_of_gradient, .context = p },
                               { .who = "C on the same BLAS", .run = NAME(gradient_by_hand), .sum = NAME(sum_of_gradient_by_hand), .context = q,
                                 .aim = 1.15 } };
    bench_compare(b, row, tolerance, gradient, 2);
    snprintf(row, sizeof row, "%s, Hessian-vector product", p->name);
    bench_piece hvp[] = { { .who = "libad", .run = libad_hvp, .sum = sum_of_hvp, .context = p },
                          { .who = "libad, gradient", .run = libad_gradient, .sum = NULL, .context = p, .aim = 2.5 } };
    bench_compare(b, row, tolerance, hvp, 2);
    NAME(give_by_hand)(q);
}

#undef REAL
#undef NAME
#undef GEMM
#undef TANH
#undef EXP
#undef SUM
