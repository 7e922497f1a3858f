/* libad: automatic differentiation of C functions over immutable arrays. This header includes all the others. */
#ifndef AD_AD_H
#define AD_AD_H

#include <ad/array.h>
#include <ad/bindings.h>
#include <ad/config.h>
#include <ad/create.h>
#include <ad/dlpack.h>
#include <ad/error.h>
#include <ad/fft.h>
#include <ad/index.h>
#include <ad/inspect.h>
#include <ad/io.h>
#include <ad/linalg.h>
#include <ad/math.h>
#include <ad/primitive.h>
#include <ad/product.h>
#include <ad/random.h>
#include <ad/reduce.h>
#include <ad/scope.h>
#include <ad/shape.h>
#include <ad/sort.h>
#include <ad/special.h>
#include <ad/transform.h>
#include <ad/tree.h>
#include <ad/version.h>

#endif
