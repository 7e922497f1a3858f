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
# The constants with the defaults, used by C++, which has their form as an extension.
{
    echo '#include <ad/ad.h>
#include <ad-nn/nn.h>'
    grep -hoE '^#define (AD|ADNN)_[A-Z0-9_]+_DEFAULTS ' libad/include/ad/*.h libad-nn/include/ad-nn/*.h | awk '{ print "auto use_" NR "() { return " $2 "; }" }'
} | g++ -std=c++17 -Wall -Wextra -Wshadow -Wno-missing-field-initializers -Werror "${include[@]}" -fsyntax-only -x c++ -
# The macros, used.
for compiler in gcc clang; do
    for standard in c11 c17 c2x; do
        $compiler -std=$standard "${warnings[@]}" "${include[@]}" -fsyntax-only tests/ci/outside.c
    done
done
echo "$count headers"
