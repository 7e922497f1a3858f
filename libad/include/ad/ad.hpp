/* libad for C++17: values that own their arrays, operators, exceptions, derivatives of lambdas. This header includes
 * all of it.
 *
 * A thin layer over the C functions, which do all the work: ad::array holds a reference, ad::sin(x) calls ad_sin, and
 * the functions have the names, arguments and meaning of C's, in namespace ad. What is new here:
 *
 * - An array lives as long as its last ad::array, as a std::shared_ptr does. Nobody needs scopes. - What fails throws
 * ad::error, with code and sentence, and leaves no error recorded. An exception that leaves a differentiated function
 * comes out
 *     of the call of its derivative as it is; the engine underneath unwinds as after any error and works on.
 * - Options are named arguments: ad::sum(x, axis = 0, keepdims = true) after `using namespace ad::named`. - ad::grad
 * and the other transformations take anything that can be called.
 *
 * docs/cpp.md shows them. */
#ifndef AD_AD_HPP
#define AD_AD_HPP

#include <ad/array.hpp>
#include <ad/functions.hpp>
#include <ad/transform.hpp>

#endif
