/* The version of the library that runs. */
#include <ad/version.h>

const char *ad_version(void)
{
    return AD_VERSION;
}
