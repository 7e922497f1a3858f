#!/bin/bash
# What a program must not get away with is refused when it is compiled, at its line and with words that say what to write: the lines of
# tests/refused that are marked, and no others. Results as TAP.
#
#     ad_sum(x, 0); /* refused */            with the words of the file, a regular expression after "refused in this file:"
#     ad_grad(f, 0, 1); /* refused: words */ with words of its own
set -euo pipefail
cd "$(dirname "$0")/../.."
include=(-isystem libad/include -isystem libad-nn/include -isystem hyperopt/include) # as installed
. tests/ci/tap.sh

# check COMPILER FILE: the errors of each line against what is expected of it.
check() {
    { "$1" -std=c11 -fsyntax-only -Wall -Wextra -Wno-unused-value "${include[@]}" "$3" "$2" 2>&1 || true; } | awk -v file="$2" '
        # What is said about a line: the error and all that comes with it.
        /^[^ :]+:[0-9]+:[0-9]+: error: / {
            split($0, part, ":")
            line = part[2]
            if (part[1] != file) { print "# an error outside the file: " $0; bad = 1 }
            refused[line] = refused[line]
        }
        line { refused[line] = refused[line] $0 "\n" }
        END {
            while ((getline text < file) > 0) {
                n++
                if (match(text, /refused in this file: .*/)) { words = substr(text, RSTART + 22, RLENGTH - 25); continue }
                marked = match(text, /\/\* refused(: .*)? \*\//)
                wanted = marked && RLENGTH > 13 ? substr(text, RSTART + 12, RLENGTH - 15) : words
                if (marked) {
                    count++
                    if (!(n in refused)) { print "# line " n " was not refused: " text; bad = 1 }
                    else if (refused[n] !~ wanted) { print "# line " n " was refused, but not with \"" wanted "\":\n" refused[n]; bad = 1 }
                } else if (n in refused) { print "# line " n " was refused:\n" refused[n]; bad = 1 }
            }
            if (!count) { print "# no line is marked"; bad = 1 }
            exit bad
        }'
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    limit=-fmax-errors=0
    [ $compiler = gcc ] || limit=-ferror-limit=0
    for file in tests/refused/*.c; do
        status=0
        check $compiler "$file" $limit || status=$?
        result $status "$compiler refuses the marked lines of $file"
    done
done

# Whatever takes options stands in every_option.c or options.c.
status=0
for name in $(sed -nE 's/^#define ((ad|hyper)[a-z0-9_]+)\(.*(AD_WITH_|AD_OPTIONS_\(AD).*/\1/p' {libad/include/ad,libad-nn/include/ad-nn,hyperopt/include/hyperopt}/{*,macros/*}.h); do
    grep -q "^    $name(.*refused" tests/refused/every_option.c tests/refused/options.c || { echo "# $name is not in tests/refused/options.c"; status=1; }
done
result $status "tests/refused has every function with options"
echo "1..$number"
exit $failed
