#!/bin/bash
# A project that has libad as a meson subproject builds, without libad's tests and examples, and its programs run.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/parent/subprojects"
cp tests/ci/outside.c tests/ci/all_three.c "$work"
cp tests/ci/meson_project/meson.build "$work/parent"
ln -s "$PWD" "$work/parent/subprojects/libad"
meson setup "$work/build" "$work/parent" --wrap-mode nodownload -Dbuildtype=plain >"$work/setup.txt" || { cat "$work/setup.txt" && exit 1; }
meson compile -C "$work/build" >"$work/compile.txt" || { cat "$work/compile.txt" && exit 1; }
"$work/build/outside"
"$work/build/all_three"
if find "$work/build" -name '*_test' -o -name '*_bench' -o -name taylor_sine | grep .; then
    echo "these are built within a parent's build"
    exit 1
fi
