/* Which version of libad this is. */
#ifndef AD_VERSION_H
#define AD_VERSION_H

#include <ad/base.h>

AD_BEGIN_DECLS

/* The version of the headers. The build compares it with the version of the project. */
#define AD_VERSION_MAJOR 0
#define AD_VERSION_MINOR 1
#define AD_VERSION_PATCH 0

#define AD_QUOTE__(x) #x
#define AD_QUOTE_(x)  AD_QUOTE__(x)

/** "0.1.0". */
#define AD_VERSION AD_QUOTE_(AD_VERSION_MAJOR) "." AD_QUOTE_(AD_VERSION_MINOR) "." AD_QUOTE_(AD_VERSION_PATCH)

/** The version of the library that runs. It may be later than the AD_VERSION that the program was compiled with. */
AD_API const char *ad_version(void);

AD_END_DECLS

#endif
