#!/bin/bash
# Programs from outside, against real installations, without LD_LIBRARY_PATH:
#   install.sh BUILD PREFIXED   BUILD goes to /usr/local, PREFIXED, another build, to its own prefix
# What is under /usr/local and /etc changes for this script only: it looks at both through an overlay in a mount namespace of its own, which ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${3-}" != inside ]; then
    user=()
    [ "$(id -u)" -eq 0 ] || user=(--map-root-user)
    exec unshare --mount "${user[@]}" "$0" "$1" "$2" inside
fi
build=$(realpath "$1") prefixed=$(realpath "$2")
work=$(mktemp -d)
trap 'umount /etc /usr/local 2>/dev/null; umount -l "$work"; rmdir "$work"' EXIT
mount -t tmpfs tmpfs "$work"
for folder in /etc /usr/local; do
    mkdir -p "$work/over$folder" "$work/scratch$folder"
    mount -t overlay overlay -o "lowerdir=$folder,upperdir=$work/over$folder,workdir=$work/scratch$folder" "$folder"
done
unset LD_LIBRARY_PATH PKG_CONFIG_PATH
sources=$PWD/tests/ci

# As in the README: shared and static print the same, the number of operations in the table included.
meson install -C "$build" --quiet
for package in libad libad-nn hyperopt; do
    pkg-config --exists --print-errors "$package"
done
cd "$work"
cc "$sources/outside.c" -o shared $(pkg-config --cflags --libs libad) -lm
./shared | tee shared.txt
ad-config
for library in libad libad-nn hyperopt; do
    test -s "/usr/local/share/libad/$library.json"
done
test "$(ad-config --version)" = "$(pkg-config --modversion libad)"
cc "$sources/outside.c" -o static $(pkg-config --cflags --libs --static libad | sed 's/-lad /-l:libad.a /') -lm
./static | diff shared.txt -
if ldd static | grep libad; then
    echo "the static program needs the shared library"
    exit 1
fi
cc "$sources/all_three.c" -o all_three $(pkg-config --cflags --libs libad-nn hyperopt) -lm
./all_three
ldd all_three | grep -E 'libad.so.[0-9.]+ => /usr/local/' >/dev/null

# With CMake, in the installed examples, and the documents.
cmake -S "$sources/cmake_project" -B cmake -DCMAKE_BUILD_TYPE=Release >cmake.txt || { cat cmake.txt && exit 1; }
cmake --build cmake >cmake.txt || { cat cmake.txt && exit 1; }
cmake/outside | diff shared.txt -
cmake/all_three
cp -r /usr/local/share/libad/examples .
make -s -C examples taylor_sine mlp_digits hyperopt/smoothness
examples/taylor_sine >/dev/null
examples/mlp_digits --iterations 2 >/dev/null
examples/hyperopt/smoothness --runs 2 >/dev/null
test -s /usr/local/share/doc/libad/LICENSE && test -s /usr/local/share/doc/libad/docs/tutorial.md

# In a prefix of its own the programs know where the libraries are.
cd "$sources/../.."
meson install -C "$prefixed" --quiet
libraries=$(find "$prefixed" -path '*/pkgconfig/libad.pc' -printf '%h\n')
cd "$work"
export PKG_CONFIG_PATH=$libraries
cc "$sources/outside.c" -o prefixed $(pkg-config --cflags --libs libad) -lm
./prefixed | diff shared.txt -
ldd prefixed | grep -F "$(dirname "$libraries")/libad.so"
