#!/bin/bash
# The memory of arrays is for kernels: what stands above them reaches it through the accessors of array/ alone, and kernels know no array.
set -euo pipefail
cd "$(dirname "$0")/../.."
refuse() {
    echo "$1"
    exit 1
}
above=(libad/src/tape libad/src/ops libad/src/io libad/src/bindings)
grep -rnE --include='*.[ch]' --include='*.inc' -e '->data\b' "${above[@]}" | grep -v 'tensor->data' &&
    refuse "something above array/ reaches into an array; memory_of, operand_of and data_of say where its elements are"
grep -rnE -e '^#include "(array|tape|ops|io)/' libad/src/kernels && refuse "a kernel includes what stands above it"
grep -rnE -e '\bad_(array|tree|node|context|current)\b' libad/src/kernels && refuse "a kernel knows an array or a call"
echo "memory is reached through kernels"
