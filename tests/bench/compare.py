#!/usr/bin/env python3
"""Measures libad beside its peers and writes docs/performance.md's figures and pictures.

    tests/bench/compare.py BUILD [--data DIR] [--before BUILD] [--page docs/performance.md]

makes an environment with NumPy, SciPy, autograd and JAX in BUILD/peers, and runs the programs of tests/bench and the peers' scripts by turns, each pinned to
one core, some rounds of all. PyTorch is compared where `import torch` works, ADOL-C where a program with it compiles. --before names a build of an earlier
version with the same programs, which then is a peer too. The results are BUILD/performance.json; --from FILE writes the page from such a file without
measuring. What another process did in the meantime is not counted: all times are process CPU time.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys

import performance_page

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["numpy", "scipy", "autograd", "jax"]

# The programs and who has rows of them.
PEERS = {
    "scalar": ["autograd", "adolc"], "growth": [], "elementwise": ["numpy"], "fft": ["numpy"],
    "chain": ["numpy", "jax", "autograd", "torch"], "moves": ["numpy"],
    "products": ["numpy"], "linalg": ["numpy", "jax"], "mlp": ["jax", "autograd", "torch"], "adbench": ["jax", "autograd"], "lstm": ["jax", "autograd"],
    "gradbench": [], "nested": [],
    "resources": ["autograd"], "hyperopt": [], "hyperopt_core": [],
}
ONCE = ("hyperopt", "hyperopt_core", "resources")  # have turns enough of their own, and no earlier version beside them
UNPINNED = ("hyperopt_core", "resources")          # measure what a second core brings
STEPS = 1000       # that a call in instructions.c takes
INSTRUCTIONS = {  # cases of instructions.c: what they are, operations a step, aim
    "scalar-value": ("an operation on scalars, value", 5, 0), "scalar-gradient": ("an operation on scalars, gradient", 5, 0),
    "scalar-second": ("an operation on scalars, reverse over reverse", 5, 0), "scalar-forward": ("an operation on scalars, forward", 5, 500),
    "scalar-forward-over-reverse": ("an operation on scalars, forward over reverse", 5, 1500),
    "array-value": ("an operation on 14 doubles, value", 1, 600), "array-gradient": ("an operation on 14 doubles, gradient", 1, 2000),
}
DETAILED = ("scalar-gradient", "array-gradient")   # cases whose functions are listed


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder of the build, as meson setup made it")
    parser.add_argument("--data", default=os.environ.get("AD_BENCH_DATA"), help="folder with the files of ADBench")
    parser.add_argument("--before", help="build of an earlier version")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=2, help="turns of each piece in a round")
    parser.add_argument("--only", default="", help="rows with this text in their name")
    parser.add_argument("--programs", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--no-peers", action="store_true", help="the C programs alone")
    parser.add_argument("--python", help="a Python that has the peers, in place of BUILD/peers")
    parser.add_argument("--page", help="the page to write the figures into; its pictures lie beside it, in a folder of its name")
    parser.add_argument("--from", dest="source", help="results to write the page from")
    return parser.parse_args()


def peers_python(options):
    """The interpreter of the environment, which is made if it is not there."""
    if options.python:
        return options.python
    folder = os.path.join(options.build, "peers")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(os.path.join(folder, "complete")):
        subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", *PACKAGES], check=True)
        open(os.path.join(folder, "complete"), "w", encoding="utf-8").close()
    return python


def adolc_program(options):
    """The program with ADOL-C, or None where it does not compile."""
    program = os.path.join(options.build, "adolc_peer")
    command = [os.environ.get("CXX", "c++").split()[-1], "-O3", os.path.join(HERE, "adolc_peer.cc"), "-o", program, "-ladolc"]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
        print("ADOL-C is not installed: its rows are skipped")
        return None
    return program


class Runner:
    """Runs programs and scripts; what they write goes to one file, whose lines are collected after each run."""

    def __init__(self, options):
        self.options = options
        self.lines = os.path.join(options.build, "performance.lines")
        self.python = None if options.no_peers else peers_python(options)
        self.adolc = None if options.no_peers else adolc_program(options)
        self.failures = []

    def run(self, command, pinned, **environment):
        if os.path.exists(self.lines):
            os.remove(self.lines)
        print("$", *(os.path.basename(command[0]), *command[1:]), flush=True)
        pin = (lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})) if pinned and hasattr(os, "sched_setaffinity") else None
        result = subprocess.run(command, env={**os.environ, **environment}, preexec_fn=pin, check=False, stdout=subprocess.DEVNULL)
        if result.returncode:
            print("failed with status", result.returncode, flush=True)
            self.failures.append(" ".join([os.path.basename(command[0]), *map(os.path.basename, command[1:])]))
        if not os.path.exists(self.lines):
            return []
        with open(self.lines, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def arguments(self, repeats):
        chosen = ["--json", self.lines, "--only", self.options.only, "--repeats", str(repeats)]
        return chosen + (["--data", self.options.data] if self.options.data else [])

    def program(self, build, name, repeats):
        path = os.path.join(build, "tests", "bench", name + "_bench")
        return self.run([path, *self.arguments(repeats)], name not in UNPINNED) if os.path.exists(path) else []

    def peer(self, who, name, repeats):
        """One thread, which the libraries read from the environment."""
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "JAX_PLATFORMS": "cpu",
               "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
        if who == "adolc":
            return self.run([self.adolc, self.lines, str(repeats)], True) if self.adolc else []
        script = [os.path.join(HERE, "numpy_peer.py")] if who == "numpy" else [os.path.join(HERE, "autodiff_peers.py"), who]
        return self.run([self.python, *script, "--program", name, *self.arguments(repeats)], True, **one)


def measure(options):
    runner, lines = Runner(options), []
    for name in options.programs:
        once = name in ONCE
        repeats = max(3, options.repeats) if once else options.repeats
        for turn in range(1 if once else options.rounds):
            found = runner.program(options.build, name, repeats)
            if options.before and not once:
                first = {}  # libad's own piece is the first of its row
                for line in runner.program(options.before, name, repeats):
                    if first.setdefault(line.get("row"), line.get("who")) == line.get("who") and "config" not in line:
                        found.append({**line, "who": "before", "aim": 0})
            known = {line.get("row") for line in found}  # None too, for what says who ran
            for who in PEERS[name] if found and not options.no_peers else []:
                found += [line for line in runner.peer(who, name, repeats) if line.get("row") in known]
            lines += [{**line, "round": turn} for line in found]
    return {"head": head(options, lines), "rows": combine(lines), "instructions": instructions(options), "failures": runner.failures}


def head(options, lines):
    """What ran, and on what."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), processor)
    configs = list(dict.fromkeys(line["config"] for line in lines if "config" in line))
    return {"processor": processor, "cores": os.cpu_count(), "rounds": options.rounds, "repeats": options.repeats,
            "libad": next((c for c in configs if "instruction set" in c), ""), "peers": [c for c in configs if "instruction set" not in c]}


def spread(samples):
    ordered = sorted(samples)
    return {"seconds": statistics.median(ordered), "low": ordered[len(ordered) // 4], "high": ordered[3 * len(ordered) // 4]}


def combine(lines):
    """One entry a row: its pieces, the first of which the others are compared with, or its figures."""
    rows = {}
    for line in lines:
        if "row" not in line:
            continue
        row = rows.setdefault((line["program"], line["row"]), {"program": line["program"], "row": line["row"], "pieces": {}, "figures": {}})
        if "skipped" in line:
            row["skipped"] = line["skipped"]
        elif "figure" in line:
            figure = row["figures"].setdefault(line.get("who", "libad"), {"values": [], "unit": line["unit"], "aim": line.get("aim", 0)})
            figure["values"].append(line["figure"])
        else:
            piece = row["pieces"].setdefault(line["who"], {**line, "rounds": {}})
            piece["rounds"].setdefault(line["round"], []).extend(line["samples"])
    return [finish(row) for row in rows.values()]


def finish(row):
    first, entries = None, []
    for who, piece in row.pop("pieces").items():
        entry = {"who": who, **spread([s for samples in piece["rounds"].values() for s in samples]), "aim": piece.get("aim", 0)}
        if first is None:
            first = (piece, entry)
        else:
            entry["differs"] = differs(first[0], piece)
            ratios = sorted(statistics.median(first[0]["rounds"][turn]) / statistics.median(samples)
                            for turn, samples in piece["rounds"].items() if turn in first[0]["rounds"])
            entry["ratio"] = first[1]["seconds"] / entry["seconds"]
            entry["ratio_low"], entry["ratio_high"] = ratios[0] if ratios else entry["ratio"], ratios[-1] if ratios else entry["ratio"]
        entries.append(entry)
    figures = {who: {**f, "value": statistics.median(f.pop("values"))} for who, f in row.pop("figures").items()}
    return {**row, "pieces": entries, "figures": figures}


def differs(first, other):
    """Whether both say what they computed, and it is not the same."""
    if "sum" not in first or "sum" not in other:
        return False
    return not abs(first["sum"] - other["sum"]) <= max(first.get("tolerance", 0), 1e-10) * max(abs(first["size"]), 1e-300)


def count_instructions(build, case, calls, directory):
    """Instructions of a run, of each function: callgrind counts them, and the same run gives the same number. None without valgrind."""
    out = os.path.join(directory, "callgrind.out")
    program = os.path.join(build, "tests", "bench", "instructions")
    try:
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, case, str(calls)], check=True, capture_output=True)
        text = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", out], check=True, capture_output=True, text=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    functions = {}
    for line in text.splitlines():
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)", line)
        if found and "PROGRAM TOTALS" in found[2]:
            functions[""] = int(found[1].replace(",", ""))
        elif found:
            name = found[2].split(" [")[0].split(":")[-1].split("'")[0]
            functions[name] = functions.get(name, 0) + int(found[1].replace(",", ""))
    return functions


def instructions(options):
    """Instructions of an operation, and in which functions they are, for each case, of this build and the one before."""
    result = {}
    for case, (name, operations, aim) in INSTRUCTIONS.items():
        if options.only not in name or "instructions" not in os.listdir(os.path.join(options.build, "tests", "bench")):
            continue
        entry = {"name": name, "aim": aim}
        for label, build in (("now", options.build), ("before", options.before)):
            if not build or not os.path.exists(os.path.join(build, "tests", "bench", "instructions")):
                continue
            few, more = (count_instructions(build, case, calls, options.build) for calls in (2, 4))
            if few and more:
                each = {f: (n - few.get(f, 0)) / (2 * STEPS) / operations for f, n in more.items()}
                entry[label] = each.pop("")
                entry[label + "_functions"] = sorted(each.items(), key=lambda item: -item[1])[:12] if case in DETAILED else []
        result[case] = entry
    return result


def main():
    options = read_options()
    target = os.path.join(options.build, "performance.json")
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            results = json.load(file)
    else:
        results = measure(options)
        with open(target, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
        print("wrote", target)
    print(performance_page.text(results))
    if options.page:
        performance_page.write(results, options.page, os.path.join(options.build, "tests", "bench", "picture"))
    different = [f"{row['row']}: {piece['who']}" for row in results["rows"] for piece in row["pieces"] if piece.get("differs")]
    for problem in [f"failed: {command}" for command in results["failures"]] + [f"computes something else: {row}" for row in different]:
        print(problem, file=sys.stderr)
    return 1 if results["failures"] or different else 0


if __name__ == "__main__":
    sys.exit(main())
