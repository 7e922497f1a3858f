#!/bin/bash
# The binding in examples/bindings, used: tests/ci/bindings.sh BUILD. Without Python there is nothing to check; without NumPy nothing is shared with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "bindings.sh: no python3 here"; exit 77; }
LIBAD=$1/libad/libad.so PYTHONPATH=examples/bindings PYTHONDONTWRITEBYTECODE=1 python3 tests/ci/bindings.py
