#!/bin/bash
# Every example runs: --help, a short run with .csv and .png, and an unknown option that is refused. Those that ask for room by --iterations get a lot of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for source in examples/*.c; do
    name=$(basename "$source" .c)
    [ "$name" = example ] && continue
    program=$build/examples/$name
    "$program" --help | grep -q -- --out
    if "$program" --nonsense 2>"$out/error"; then
        echo "$name accepts --nonsense"
        exit 1
    fi
    grep -q -- --help "$out/error"
    short=()
    case $name in mlp_digits | hypergrad_digits) short=(--iterations 2) ;; naive_reversal) short=(--iterations 20) ;; esac
    if "$program" "${short[@]}" --out "$out/two"$'\n'"lines" 2>"$out/error" >"$out/$name.txt" || ! grep -q 'control character' "$out/error"; then
        echo "$name takes a prefix of two lines"
        exit 1
    fi
    "$program" "${short[@]}" --out "$out/$name" >"$out/$name.txt"
    test -s "$out/$name.csv"
    ! command -v gnuplot >/dev/null || test -s "$out/$name.png"
    if [ ${#short[@]} -gt 0 ] && timeout 2 "$program" --iterations 1000000 >"$out/$name.long" 2>&1; [ $? -gt 124 ]; then
        echo "$name --iterations 1000000 breaks"
        exit 1
    fi
    if grep -iE 'nan|not exact|failed|wrong' "$out/$name.txt"; then
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
