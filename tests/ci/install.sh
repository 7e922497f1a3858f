#!/bin/bash
# Installs a build into a folder of its own, and compiles and runs a program against it with pkg-config, shared and static: they print the same,
# the number of operations in the table included.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root meson install -C "$build" --quiet
lib=$(dirname "$(find "$root" -name libad.so)")
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$lib/pkgconfig

# pkg-config puts the sysroot before the paths of system libraries too, when they are given with -L; the compiler finds those without.
words() {
    local word
    for word in $(pkg-config "$@"); do
        case $word in -L* | -I*) [ -d "${word#-?}" ] || continue ;; esac
        printf '%s\n' "$word"
    done
}

for package in libad libad-nn hyperopt; do
    pkg-config --exists --print-errors "$package"
done
mapfile -t flags < <(words --cflags --libs libad)
cc tests/ci/outside.c -o "$root/shared" "${flags[@]}" -lm
LD_LIBRARY_PATH=$lib "$root/shared" | tee "$root/shared.txt"

mapfile -t flags < <(words --cflags --libs --static libad | sed 's/^-lad$/-l:libad.a/')
cc tests/ci/outside.c -o "$root/static" "${flags[@]}" -lm
"$root/static" | diff "$root/shared.txt" -

for library in libad libad-nn libhyperopt; do
    test -L "$lib/$library.so" && test -L "$lib/$library.so.0"
done
