#!/bin/bash
# Nested calls grow as what is written: 20 levels of each kind are at most 2.2 times as much after the preprocessor as 10 levels, and compile.
# Results as TAP.
set -euo pipefail
cd "$(dirname "$0")/../.."
include=(-I libad/include)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What stands for @ is the level inside.
kinds=(
    'ad_add(1, ad_mul(x, @))'
    'ad_pow(@, 2)'
    'ad_where(ad_greater(x, 0), @, ad_clip(x, 0, 1))'
    'ad_sum(ad_mul(x, @), .axis = 0, .keepdims = true)'
    'ad_sum(x, .where = @)'
    'ad_take(@, ad_argsort(x), .axis = 0)'
    'ad_reshape(ad_at(@, "%d:", 0), AD_SHAPE(1, -1))'
    'ad_moveaxis(ad_expand_dims(@, 0), 0, 1)'
    'ad_einsum("i,i->i", x, @)'
    'ad_concatenate(ad_list_of(x, @))'
    'ad_tree_get(ad_tree_of("a", x, "b", @), "b")'
    'ad_full(AD_SHAPE(2), @)'
    'ad_escape(@)'
    'ad_grad(ad_sin)(@)'
)

# program NAME KIND LEVELS: a function of so many levels.
program() {
    local text=x
    for ((level = 0; level < $3; level++)); do text=${2//@/$text}; done
    printf 'ad_array *%s(ad_array *x);\nad_array *%s(ad_array *x)\n{\n    return %s;\n}\n' "$1" "$1" "$text"
}

# bytes KIND LEVELS: of the function after the preprocessor.
bytes() {
    { echo '#include <ad/ad.h>'; echo begin_here; program f "$1" "$2"; } | ${CC:-cc} -std=c11 "${include[@]}" -E -P -x c - | sed '1,/^begin_here/d' | wc -c
}

. tests/ci/tap.sh

echo '#include <ad/ad.h>' >"$work/nested.c"
for kind in "${kinds[@]}"; do
    ten=$(bytes "$kind" 10)
    twenty=$(bytes "$kind" 20)
    status=0
    [ "$ten" -gt 100 ] && [ $((10 * twenty)) -le $((22 * ten)) ] || { echo "# $ten bytes for 10 levels, $twenty bytes for 20"; status=1; }
    result $status "$kind"
    program "nested_$number" "$kind" 20 >>"$work/nested.c"
done
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    status=0
    timeout 60 $compiler -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Werror "${include[@]}" -fsyntax-only "$work/nested.c" || status=$?
    result $status "$compiler compiles 20 levels of each"
done
echo "1..$number"
exit $failed
