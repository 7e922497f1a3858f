#!/usr/bin/env python3
"""Whether products are rounded before they are added: unjoined.py BUILD.

GCC 12 joins products with sums and differences that take turns in a vector, as they do in a complex product, whatever -ffp-contract says. The bits then depend
on the processor that something is built for. UNFUSED in kernels/complex_product.h prevents it, and libad/meson.build for the Fourier transforms. This looks at
the machine code of the kernels: as it was built, and as it would be with fused multiply-adds. No instruction may add and subtract products by turns. Nobody
asks for one; those that only add, or only subtract, are asked for by name.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

JOINED = re.compile(r"\bvfm(?:addsub|subadd)\w*")


def functions_with_joined(path):
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    function, found = None, set()
    for line in code.split("\n"):
        start = re.match(r"[0-9a-f]+ <(.+)>:$", line)
        function = start.group(1) if start else function
        if JOINED.search(line):
            found.add(function)
    return sorted(found)


def look(build, command, folder):
    """At one source: as it was built where that is done for each instruction set, else as it would be built with fused multiply-adds."""
    out = os.path.join(build, command["output"])
    if "libloops_" not in command["output"]:
        out = os.path.join(folder, command["output"].replace("/", "_"))
        words = [word for word in shlex.split(command["command"]) if word != "ccache"] + ["-mavx2", "-mfma"]
        words[words.index("-o") + 1] = out
        run = subprocess.run(words, cwd=build, capture_output=True, text=True)
        if run.returncode:
            return command["file"], [run.stderr]
    return command["file"], functions_with_joined(out)


def main():
    build = sys.argv[1]
    if os.uname().machine != "x86_64":
        print("unjoined: only x86-64 has such instructions")
        return 0
    with open(os.path.join(build, "compile_commands.json")) as file:
        commands = {command["output"]: command for command in json.load(file) if "libad/src/kernels/" in command["file"]}
    faults = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, found in pool.map(lambda command: look(build, command, folder), commands.values()):
            for function in found:
                faults += 1
                print(f"{os.path.relpath(os.path.join(build, source))}: {function} joins products with sums")
    print(f"unjoined: {len(commands)} sources, {faults} faults")
    return 1 if faults or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
