// C++ functions that throw while they are differentiated: closing the scope that was opened before brings everything
// back.
#include <ad/ad.h>
#include <cstdio>
#include <cstring>
#include <stdexcept>

static int throws_left;

extern "C" {
static ad_array *sine(ad_array *x)
{
    ad_array *y = ad_sin(x);
    if (throws_left-- > 0)
        throw std::runtime_error("from the callback");
    return ad_sum(y);
}
}

int main()
{
    ad_fn *f = ad_function_of((void (*)(void))sine, "a(a)");
    ad_fn *transformed[] = { ad_grad_fn(f, 0), ad_deriv_fn(f), ad_checkpoint_fn(f), ad_grad_fn(ad_checkpoint_fn(f), 0), ad_hessian_fn(f) };
    ad_array *x = ad_scalar(0.5);
    for (ad_fn *g : transformed) {
        throws_left = 0;
        double want = ad_item((ad_array *)ad_call(g, x));
        for (int i = 1; i <= 100; i++) {
            bool caught = false;
            throws_left = 1;
            ad_scope scope = ad_scope_open();
            try {
                ad_call(g, x);
            } catch (const std::runtime_error &e) {
                caught = std::strcmp(e.what(), "from the callback") == 0;
            }
            ad_scope_close(scope);
            double value = ad_item((ad_array *)ad_call(g, x));
            if (!caught || ad_failed() || value != want)
                return std::printf("after %d exceptions: %.17g, expected %.17g (%s)\n", i, value, want, ad_error_message()), 1;
        }
    }
    return 0;
}
