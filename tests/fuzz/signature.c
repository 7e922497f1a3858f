/* Any text as the signature of a function, and every transformation of it. Nothing is called: the arguments would have
 * to fit.
 *
 * Functions are remembered as long as their thread lives, so each input has a thread of its own. */
#include "fuzz.h"
#include <pthread.h>

static void *nothing(void)
{
    return NULL;
}

static void transform(ad_fn *fn)
{
    ad_fn *(*const transformations[])(ad_fn *) = { ad_elementwise_grad_fn, ad_deriv_fn, ad_jacobian_fn, ad_hessian_fn, ad_holomorphic_grad_fn, ad_hvp_fn,
                                                   ad_tensor_jacobian_product_fn, ad_hessian_vector_product_fn, ad_grad_and_aux_fn, ad_checkpoint_fn };
    for (size_t i = 0; i < sizeof transformations / sizeof *transformations; i++) {
        ad_clear_error();
        ad_fn *transformed = transformations[i](fn);
        REQUIRE(transformed || ad_failed());
        if (transformed && !ad_failed()) {
            REQUIRE(ad_fn_pointer(transformed));
            ad_checkpoint_fn(ad_grad_fn(transformed, 0));
        }
    }
    for (int argument = -1; argument < 18; argument++) {
        ad_clear_error();
        ad_value_and_grad_fn(ad_grad_fn(fn, argument), argument);
    }
    ad_clear_error();
    ad_ggnvp_fn(fn, fn);
}

static void *run(void *text)
{
    ad_fn *fn = ad_function_of((void (*)(void))nothing, text);
    REQUIRE(fn || ad_failed());
    if (fn && !ad_failed())
        transform(fn);
    ad_clear_error();
    return NULL;
}

void fuzz_input(struct bytes input)
{
    char *text = rest_as_text(input);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, text) == 0)
        pthread_join(thread, NULL);
    free(text);
}
