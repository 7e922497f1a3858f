/* The progress line. */
#include "ad-nn/nn.h"
#include <locale.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

adnn_progress adnn_progress_start(const char *what, int64_t total)
{
    return (adnn_progress){ .stream = isatty(STDERR_FILENO) ? stderr : NULL, .what = what, .total = total, .started = seconds_now() };
}

void adnn_progress_update(adnn_progress *p, int64_t done, double loss)
{
    double now = p && p->stream ? seconds_now() : 0;
    if (!p || !p->stream || (now - p->shown < 0.1 && done < p->total) || done < 1)
        return;
    locale_t users = uselocale(newlocale(LC_ALL_MASK, "C", NULL)); /* numbers have a decimal point in any locale */
    p->shown = now;
    double rate = (double)done / (now - p->started + 1e-9), left = ((double)p->total - (double)done) / rate;
    fprintf(p->stream, "\r%s: %lld of %lld, %.3g per second", p->what, (long long)done, (long long)p->total, rate);
    if (!isnan(loss))
        fprintf(p->stream, ", loss %.4g", loss);
    fprintf(p->stream, ", %.0f s left \033[K", left);
    fflush(p->stream);
    freelocale(uselocale(users));
}

void adnn_progress_end(adnn_progress *p)
{
    if (p && p->stream)
        fprintf(p->stream, "\r\033[K");
}
