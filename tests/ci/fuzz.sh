#!/bin/bash
# Every fuzz target for AD_FUZZ_SECONDS (60), two at a time, from its corpus: fuzz.sh BUILD, a build with -Dfuzz=true. What breaks one stays in BUILD/fuzz;
# mended, it goes to tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
mkdir -p "$build/fuzz"

run() {
    local target=$1 build=$2 seconds=$3 corpus=$PWD/tests/fuzz/corpus/$1 found=$2/fuzz/$1
    mkdir -p "$found"
    if ! timeout $((seconds + 120)) "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=2048 \
        -artifact_prefix="$build/fuzz/$target-" "$found" "$corpus" >"$found.txt" 2>&1; then
        tail -n 40 "$found.txt"
        echo "$target breaks"
        return 1
    fi
    echo "$target: $(grep -E '^Done ' "$found.txt")"
}
export -f run
for program in "$build"/tests/fuzz/fuzz_*; do
    [ ! -f "$program" ] || basename "$program" | sed 's/^fuzz_//'
done | xargs -P 2 -I '{}' bash -c 'run "$@"' run '{}' "$build" "${AD_FUZZ_SECONDS:-60}"
