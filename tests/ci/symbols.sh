#!/bin/bash
# The shared libraries export ad_*, adnn_* and hyper_* only, and the static ones have no other global names: weak ones are inline functions of C++ headers.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1

# check LIBRARY AWK_CONDITION NM_OPTION...: the names of its global symbols.
check() {
    local library=$build/$1 condition=$2 names others
    shift 2
    names=$(nm --defined-only "$@" "$library" | awk "NF == 3 && $condition {print \$3}")
    others=$(grep -Ev '^(ad_|adnn_|hyper_)' <<<"$names" || true)
    if [ -n "$others" ]; then
        echo "$library exports $others"
        exit 1
    fi
    echo "$library: $(wc -l <<<"$names") symbols"
}

for library in libad/libad libad-nn/libad-nn hyperopt/libhyperopt; do
    check "$library.so" 1 -D
    check "$library.a" '$2 !~ /[uvVwW]/' -g
done
