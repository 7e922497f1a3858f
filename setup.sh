#!/bin/sh
# Installs what libad needs and is not there, configures and builds. Quick when nothing is missing; may be run again at any time.
#
#   ./setup.sh          library, tests, examples, in build/
#   ./setup.sh --ci     also what the checks of .ci/run need (clang, clang-format, clang-tidy, CMake, gdb, Doxygen)
set -eu
cd "$(dirname "$0")"

# BLIS (libblis4-serial) is looked for at run time: it multiplies where this OpenBLAS is older than the processor. Nothing needs it.
packages="gcc g++ meson ninja-build pkg-config libffi-dev libsleef-dev libopenblas-openmp-dev libblis4-serial libboost-dev libkissfft-dev librandom123-dev zlib1g-dev libzip-dev libpng-dev libxxhash-dev check gnuplot-nox"
case "${1-}" in
"") ;;
--ci) packages="$packages clang clang-format clang-tidy libclang-rt-dev cmake gdb doxygen luajit" ;;
*)
    echo "usage: ./setup.sh [--ci]" >&2
    exit 2
    ;;
esac

is_installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'
}

install_with_apt() {
    missing=""
    for package in $packages; do
        is_installed "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        echo "setup: nothing to install"
        return
    fi
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "setup: these packages are missing; install them as root and run ./setup.sh again:$missing" >&2
            exit 1
        fi
        as_root=sudo
    fi
    echo "setup: installing$missing"
    $as_root apt-get -q update || echo "setup: the package lists could not be refreshed; trying with the old ones" >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get -q -y install --no-install-recommends $missing
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    install_with_apt
else
    cat <<'END'
setup: no apt here. What libad needs is called
  dnf:    gcc gcc-c++ meson ninja-build pkgconf libffi-devel sleef-devel openblas-devel blis boost-devel kiss-fft-devel Random123-devel zlib-devel libzip-devel libpng-devel xxhash-devel check-devel gnuplot
  pacman: gcc meson ninja pkgconf libffi sleef openblas boost kissfft random123 zlib libzip libpng xxhash check gnuplot
  brew:   meson ninja pkg-config libffi sleef openblas boost kissfft random123 zlib libzip libpng xxhash check gnuplot
END
fi

if [ ! -f build/build.ninja ]; then
    echo "setup: configuring build/"
    meson setup build
fi
echo "setup: building"
meson compile -C build
echo "setup: done; run the tests with meson test -C build, the first example with build/examples/taylor_sine"
