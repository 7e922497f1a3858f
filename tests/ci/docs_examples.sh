#!/bin/bash
# Every complete program in the documents compiles without a warning, whatever the -std, and ends with status 0: the block of C in the README, and those of
# C and C++ in docs that follow a line <!-- example: name -->.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
awk -v out="$out" '
    FNR == 1 { name = FILENAME == "README.md" ? "readme" : "" }
    /^<!-- example: [a-z0-9_]+ -->$/ { name = $3; next }
    /^```c(pp)?$/ && name { file = out "/" name ($0 == "```c" ? ".c" : ".cpp"); if (seen[name]++) { print "two examples are called " name > "/dev/stderr"; exit 1 } next }
    /^```$/ && file { close(file); file = name = ""; next }
    file { print > file; next }
    /[^ ]/ && name != "readme" { name = "" }
' README.md docs/*.md
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Werror)
include=(-I libad/include -I libad-nn/include -I hyperopt/include)
libraries=()
for library in hyperopt/hyperopt libad-nn/ad-nn libad/ad; do
    libraries+=(-L "$build/${library%/*}" -Wl,-rpath,"$build/${library%/*}" -l"${library#*/}")
done
count=0
for source in "$out"/*.c "$out"/*.cpp; do
    name=$(basename "${source%.*}")
    compiler=(${CC:-cc}) standards=(c11 gnu11 c17 c2x)
    [ "${source##*.}" = c ] || { compiler=(${CXX:-c++}) && standards=(c++17 gnu++17 c++20); }
    "${compiler[@]}" -std="${standards[0]}" "${warnings[@]}" "${include[@]}" "$source" -o "$out/$name" "${libraries[@]}" -lm
    for standard in "${standards[@]:1}"; do
        "${compiler[@]}" -std="$standard" "${warnings[@]}" "${include[@]}" -fsyntax-only "$source"
    done
    if ! "$out/$name" >"$out/$name.txt" 2>&1; then
        echo "the example $name fails:"
        cat "$out/$name.txt"
        exit 1
    fi
    count=$((count + 1))
done
echo "$count programs"
