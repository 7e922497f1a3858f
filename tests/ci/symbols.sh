#!/bin/bash
# The shared libraries export ad_*, adnn_* and hyper_* only.
set -euo pipefail
cd "$(dirname "$0")/../.."
for library in "$1"/libad/libad.so "$1"/libad-nn/libad-nn.so "$1"/hyperopt/libhyperopt.so; do
    others=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -Ev '^(ad_|adnn_|hyper_)' || true)
    if [ -n "$others" ]; then
        echo "$library exports $others"
        exit 1
    fi
    echo "$library: $(nm -D --defined-only "$library" | wc -l) symbols"
done
