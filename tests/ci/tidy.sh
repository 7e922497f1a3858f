#!/bin/bash
# clang-tidy over the sources of the libraries, as .clang-tidy says:
#   tidy.sh BUILD [FILE...]   with the flags of BUILD, one of clang; without files all of the three src folders
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
shift
[ $# -gt 0 ] || set -- libad/src libad-nn/src hyperopt/src
find "$@" -name '*.c' -print0 | sort -z | xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$build" --quiet 2>/dev/null
