#!/bin/bash
# Every example runs: --help, a short run with .csv and .png, and one clear line with status 1 for what makes no sense: an unknown option, nonsense for a
# number, a folder that is not there, one with other files, a place that cannot be written. Those that ask for room by --iterations get a lot of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# refuses WORDS ARGUMENTS...: the program says the words in one line on stderr, and ends with status 1.
refuses() {
    local words=$1 status=0
    shift
    "$program" "$@" >/dev/null 2>"$out/error" || status=$?
    if [ "$status" -ne 1 ] || ! grep -q -- "$words" "$out/error" || [ "$(wc -l <"$out/error")" -ne 1 ]; then
        echo "$name $*: status $status, and not one line with '$words':"
        cat "$out/error"
        exit 1
    fi
}

for source in examples/*.c examples/hyperopt/*.c; do
    name=$(basename "$source" .c)
    grep -q '^int main' "$source" || continue
    program=$build/${source%.c}
    "$program" --help >"$out/help"
    grep -q -- --out "$out/help"
    refuses --help --nonsense
    refuses 'control character' --out "$out/two"$'\n'"lines"
    refuses 'cannot be written' --out "$out/absent/name"
    short=()
    for option in --iterations --meta-iters --runs; do
        grep -q -- "^  $option " "$out/help" || continue
        refuses "$option" "$option" many
        refuses "$option" "$option" 0
        case $option in --iterations) short+=(--iterations 20) ;; *) short+=("$option" 2) ;; esac
    done
    [ "$name" = mlp_digits ] && short=(--iterations 2)
    if grep -q -- '^  --examples ' "$out/help"; then
        refuses --examples --examples 0
        refuses 'there should be more than 5000' --examples 5000
    fi
    if grep -q -- '^  --data ' "$out/help"; then
        refuses "$out/absent" --data "$out/absent"
        refuses examples/hyperopt --data examples/hyperopt
    fi
    if grep -q -- '^  --paper ' "$out/help"; then
        refuses 'needs --data' --paper
    fi
    "$program" "${short[@]}" --out "$out/$name" >"$out/$name.txt"
    test -s "$out/$name.csv"
    ! command -v gnuplot >/dev/null || test -s "$out/$name.png"
    case " ${short[*]} " in
    *" --iterations "*)
        if timeout 2 "$program" --iterations 1000000 >"$out/$name.long" 2>&1; [ $? -gt 124 ]; then
            echo "$name --iterations 1000000 breaks"
            exit 1
        fi
        ;;
    esac
    if grep -E '\<-?nan\>|NOT exact|FAILED|: wrong' "$out/$name.txt"; then
        echo "$name says so"
        exit 1
    fi
done

# Names that gnuplot would take for commands, and quotes, are names.
program=$(realpath "$build/examples/taylor_sine")
for name in "|touch injected" "<touch injected" "a'.system('touch injected').'b" '`touch injected`' 'a\b"c'; do
    (cd "$out" && "$program" --out "$name" >/dev/null)
    test -s "$out/$name.csv"
    ! command -v gnuplot >/dev/null || test -s "$out/$name.png"
done
test ! -e "$out/injected"
