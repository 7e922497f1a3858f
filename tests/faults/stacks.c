/* Small stacks: every scenario in a thread with little more than the system's least stack. */
#include "scenarios.h"

/* 64 KiB, and as much for the thread-local memory of OpenBLAS, which the C library takes from the stack. The
 * sanitizers' frames are larger. */
enum { STACK = WITH_ADDRESS_SANITIZER ? 1024 * 1024 : 128 * 1024 };

static void *run_scenario(void *scenario)
{
    AD_SCOPE;
    bool done = ((const struct scenario *)scenario)->run() != NULL && !ad_failed();
    ck_assert_msg(done, "%s", ad_error_message());
    return NULL;
}

START_TEST(a_small_stack_is_enough)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run_scenario, (void *)&scenarios[_i]), 0);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    return run_for_each_scenario("stacks", a_small_stack_is_enough);
}
