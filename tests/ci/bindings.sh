#!/bin/bash
# The bindings in examples/bindings, used: tests/ci/bindings.sh BUILD. Without Python there is nothing to check; without NumPy nothing is shared with it,
# and without LuaJIT its binding is left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "bindings.sh: no python3 here"; exit 77; }
LIBAD=$1/libad/libad.so PYTHONPATH=examples/bindings PYTHONDONTWRITEBYTECODE=1 python3 tests/ci/bindings.py
if command -v luajit >/dev/null; then
    LIBAD=$1/libad/libad.so LIBAD_JSON=$1/libad/libad.json LUA_PATH="examples/bindings/?.lua" luajit tests/ci/bindings.lua
fi
