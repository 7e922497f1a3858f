#!/bin/bash
# The memory of arrays is for kernels: what stands above them reaches it through the accessors of ops.h alone, and kernels know no array.
set -euo pipefail
cd "$(dirname "$0")/../.."
refuse() {
    echo "$1"
    exit 1
}
grep -rnE --include='*.c' -e '->data\b' libad/src/ops && refuse "an operation reaches into an array; ops.h has memory_of, operand_of and data_of"
grep -rnE -e '^#include "(array|tape|ops|io)/' libad/src/kernels && refuse "a kernel includes what stands above it"
grep -rnE -e '\bad_(array|tree|node|context|current)\b' libad/src/kernels && refuse "a kernel knows an array or a call"
echo "memory is reached through kernels"
