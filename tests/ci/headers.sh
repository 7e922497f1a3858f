#!/bin/bash
# Every public header alone: as C11, C17 and C2x with gcc and clang, every warning an error, and as C++17.
set -euo pipefail
cd "$(dirname "$0")/../.."
include=(-I libad/include -I libad-nn/include -I hyperopt/include)
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Werror)
count=0
for header in libad/include/ad/*.h libad-nn/include/ad-nn/*.h hyperopt/include/hyperopt/*.h; do
    name=${header#*/include/}
    for compiler in gcc clang; do
        for standard in c11 c17 c2x; do
            printf '#include <%s>\nextern int nothing;\n' "$name" | $compiler -std=$standard "${warnings[@]}" "${include[@]}" -fsyntax-only -x c -
        done
    done
    printf '#include <%s>\nextern int nothing;\n' "$name" | g++ -std=c++17 "${warnings[@]}" "${include[@]}" -fsyntax-only -x c++ -
    count=$((count + 1))
done
# Those for C++ have all functions that C has, all options, and no warning.
for header in libad/include/ad/*.hpp; do
    for compiler in g++ clang++; do
        for standard in c++17 c++20; do
            printf '#include <%s>\nextern int nothing;\n' "${header#*/include/}" | $compiler -std=$standard "${warnings[@]}" "${include[@]}" -fsyntax-only -x c++ -
        done
    done
    count=$((count + 1))
done
families=($(python3 -B -c 'import sys; sys.path.append("libad/tools"); import declarations
print(*(h.family for h in declarations.read_all_headers() if not h.is_machinery or h.family == "io"))'))
functions=$(for family in "${families[@]}"; do grep -hoE '^AD_API (ad_array|ad_tree) \*\(?ad_[a-z0-9_]+' "libad/include/ad/$family.h"; done | sed -E 's/.*\*\(?ad_//' | grep -vE '_(with|list|axes|of|from)$' | sort -u)
for function in $functions; do
    grep -qE "(\(|, )$function[,)]|\b$function\(" libad/include/ad/functions.hpp libad/include/ad/macros/functions.hpp || { echo "functions.hpp lacks ad::$function" && exit 1; }
done
fields=$(for family in "${families[@]}"; do sed -nE '/^typedef struct ad_[a-z0-9_]*options \{/,/^\}/ { s/^    [a-z_0-9 ]*[ *]([a-zA-Z0-9_, ]+);.*/\1/p }' "libad/include/ad/$family.h"; done | tr -d ' ' | tr , '\n' | grep -v ad_unused_ | sort -u)
for field in $fields; do
    grep -qE "AD_CPP_NAMED_\($field\)|\b${field}_name\b" libad/include/ad/functions.hpp libad/include/ad/macros/names.hpp || { echo "functions.hpp lacks the option $field" && exit 1; }
done
# The constants with the defaults, used by C++, which has their form as an extension; and what stands beside the macros.
{
    echo '#include <ad/ad.h>
#include <ad-nn/nn.h>
#include <hyperopt/hyperopt.h>
ad_array *sum_of_numbers() { return ad_add(ad_weak_integer(1), ad_weak_real(0.5)); }
const char *place() { return ad_call_site_ ? ad_call_site_ : ad_error_where(); }'
    grep -hoE '^#define (AD|ADNN|HYPER)_[A-Z0-9_]+_DEFAULTS ' {libad/include/ad,libad-nn/include/ad-nn,hyperopt/include/hyperopt}/{*,macros/*}.h | awk '{ print "auto use_" NR "() { return " $2 "; }" }'
} | g++ -std=c++17 -Wall -Wextra -Wshadow -Wno-missing-field-initializers -Werror "${include[@]}" -fsyntax-only -x c++ -
# The macros, used.
for compiler in gcc clang; do
    for standard in c11 c17 c2x; do
        $compiler -std=$standard "${warnings[@]}" "${include[@]}" -fsyntax-only tests/ci/outside.c
    done
done
echo "$count headers"
