// Taylor's sine of scalar_bench.c in ADOL-C: recording and gradient, or second derivative, at each call, as libad does
// it. compare.py compiles it where ADOL-C is installed. Lines of JSON go to the file named first; the second argument
// is the number of turns.
#include <adolc/adolc.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

static adouble series(const adouble &x)
{
    adouble curr = x, ans = curr;
    for (int i = 0; i < 2000; i++) {
        curr = -curr * (x * x) / ((2 * i + 3) * (2 * i + 2));
        ans += curr;
        if (std::fabs(curr.value()) < 1e-20)
            break;
    }
    return ans;
}

static void record(double point)
{
    adouble x, y;
    double value;
    trace_on(1);
    x <<= point;
    y = series(x);
    y >>= value;
    trace_off();
}

static double first(double point)
{
    double g;
    record(point);
    gradient(1, 1, &point, &g);
    return g;
}

static double second(double point)
{
    double row, *H = &row;
    record(point);
    hessian(1, 1, &point, &H);
    return row;
}

static double now()
{
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// The sum is 0 where the derivative at 3 is sine's own, as in scalar_bench.c.
static void measure(FILE *json, const char *row, double (*f)(double), double expected, int turns)
{
    std::vector<double> samples;
    double found = f(3), sum = std::fabs(found - expected) < 1e-12 ? 0 : found;
    for (int t = 0; t < turns; t++) {
        double start = now();
        for (int i = 0; i < 50; i++)
            f(300);
        samples.push_back((now() - start) / 50);
    }
    std::sort(samples.begin(), samples.end());
    std::printf("%-58s %-22s %13.3f us\n", row, "ADOL-C", 1e6 * samples[samples.size() / 2]);
    std::fprintf(json, "{\"program\": \"scalar\", \"row\": \"%s\", \"who\": \"ADOL-C\", \"seconds\": %.6g, \"sum\": %.17g, \"size\": 1, \"aim\": 1, \"samples\": [", row,
                 samples[samples.size() / 2], sum);
    for (size_t i = 0; i < samples.size(); i++)
        std::fprintf(json, "%s%.6g", i ? ", " : "", samples[i]);
    std::fprintf(json, "]}\n");
}

int main(int argc, char **argv)
{
    FILE *json = argc > 1 ? std::fopen(argv[1], "a") : nullptr;
    int turns = argc > 2 ? std::atoi(argv[2]) : 7;
    if (!json || turns < 1) {
        std::fprintf(stderr, "usage: adolc_peer FILE [TURNS]\n");
        return EXIT_FAILURE;
    }
    measure(json, "Taylor's sine, gradient", first, std::cos(3.0), turns);
    measure(json, "Taylor's sine, second derivative, reverse over reverse", second, -std::sin(3.0), turns);
    std::fclose(json);
    return EXIT_SUCCESS;
}
