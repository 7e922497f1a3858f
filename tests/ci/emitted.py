#!/usr/bin/env python3
"""What a trace writes for a call is C: emitted.py TRACES.

TRACES is a program that prints traces (tests/traces.c). Every call in them of an operation that is a public function, and gives one array, is compiled as it stands,
one of each kind in one file. The operations below have a public function's name and other operands than it: they are parts of what the function does.
docs/seeing-inside.md says so of each, and each has to be needed.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
PARTS = {
    "ad_linalg_solve": "factors of the matrix beside it",
    "ad_linalg_inv": "factors of the matrix beside it",
    "ad_linalg_det": "factors of the matrix beside it",
    "ad_linalg_slogdet": "factors of the matrix beside it",
    "ad_linalg_solve_banded": "factors of the matrix beside it",
    "ad_linalg_solve_sylvester": "Schur factors of both matrices beside them",
    "ad_linalg_toeplitz": "the row of diagonals in place of a column and a row",
    "ad_linalg_norm": "what the squares are divided by beside it",
}
faults = []


def public_names():
    headers = "\n".join(p.read_text() for p in (TOP / "libad/include/ad").rglob("*.h"))
    return set(re.findall(r"^AD_API [\w *]*?\**\(?(ad_\w+)\)?\(", headers, re.M)) | set(re.findall(r"^#define (ad_\w+)\(", headers, re.M))


def calls_of(traces):
    """The calls that give one array: the name of the operation, and the text with x for every operand that is no number."""
    found = {}
    for line in traces.splitlines():
        match = re.match(r"    [^=:]+: \w+ \([\d,]*\) = ((ad_\w+)\(.*\))(?:  //.*)?$", line)
        if match:
            text = re.sub(r'("(?:[^"\\]|\\.)*")|\b[vc]\d+\b', lambda m: m.group(1) or "x", match.group(1))
            found.setdefault(text, match.group(2))
    return found


def main():
    traces = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
    public, calls = public_names(), calls_of(traces)
    own = {name for name in calls.values() if name not in public}
    lines = [text for text, name in calls.items() if name in public and name not in PARTS]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "calls.c"
        source.write_text("#include <ad/ad.h>\nvoid calls(ad_array *x);\nvoid calls(ad_array *x)\n{\n" + "".join(f"    {line};\n" for line in lines) + "}\n")
        command = os.environ.get("CC", "cc").split() + ["-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-unused-value", "-I", str(TOP / "libad/include"), str(source)]
        answer = subprocess.run(command, capture_output=True, text=True)
        for row, said in re.findall(r"^\S+calls\.c:(\d+):\d+: ((?:error|warning): .*)", answer.stderr, re.M):
            faults.append(f"{lines[int(row) - 5]}: {said}")
        if answer.returncode and not faults:
            faults.append(answer.stderr)
    told = (TOP / "docs" / "seeing-inside.md").read_text()
    for name in PARTS:
        if name not in calls.values():
            faults.append(f"{name} is excused, and called by no trace")
        if f"`{name}`" not in told:
            faults.append(f"docs/seeing-inside.md does not say that {name} is not what users write")
    for fault in sorted(set(faults)):
        print(fault)
    print(f"emitted: {len(lines)} calls of public functions, {len(own)} operations that are none, {len(set(faults))} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
