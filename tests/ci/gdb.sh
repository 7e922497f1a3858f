#!/bin/bash
# What gdb shows of arrays: tests/ci/gdb.sh BUILD. Without gdb there is nothing to check.
set -euo pipefail
build=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v gdb >/dev/null || { echo "gdb.sh: no gdb here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/program.c" <<'END'
#include <ad/ad.h>

int main(void)
{
    AD_SCOPE;
    ad_array *vector = ad_name(ad_mul(ad_from((double[]){ 1, 2, 3 }, AD_SHAPE(3)), 0.5), "rates");
    ad_array *matrix = ad_transpose(ad_reshape(ad_arange(6), AD_SHAPE(2, 3)));
    ad_array *scalar = ad_scalar(2.5), *single = ad_ones(AD_SHAPE(20), .dtype = AD_F32), *missing = NULL;
    ad_array *complex = ad_mul(ad_ones(AD_SHAPE(1)), ad_weak_complex(ad_item_complex(ad_scalar(2))));
    ad_array *cube = ad_name(ad_reshape(ad_arange(12), AD_SHAPE(2, 2, 3)), "a \"b\"\nc");
    ad_error_breakpoint(AD_OK, "here");
    return !(vector && matrix && scalar && single && complex && cube) || missing;
}
END
${CC:-cc} -g -O0 -std=gnu11 -I"$root/libad/include" "$work/program.c" -o "$work/program" -L"$build/libad" -lad -lm -Wl,-rpath,"$build/libad"
gdb -batch -nx -iex "add-auto-load-safe-path $build" -ex 'break ad_error_breakpoint' -ex run -ex up -ex 'print vector' -ex 'print matrix' -ex 'print scalar' -ex 'print single' \
    -ex 'print missing' -ex 'print complex' -ex 'print cube' "$work/program" >"$work/output" 2>&1 || true

failed=0
expect() {
    grep -qF -- "$1" "$work/output" || { echo "gdb.sh: not shown: $1"; failed=1; }
}
expect 'rates: float64 (3,) = [0.5, 1.0, 1.5]'
expect 'int64 (3, 2) = [[0, 3], [1, 4], [2, 5]]'
expect '"a \"b\"\nc": int64 (2, 2, 3) = [[[0, 1, 2], [3, 4, 5]], [[6, 7, ...]]]'
expect ' float64 () = 2.5'
expect 'float32 (20,) = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, ...]'
expect ' = NULL'
expect 'complex128 (1,) = [(2+0j)]'
[ "$failed" -eq 0 ] || cat "$work/output"
exit "$failed"
