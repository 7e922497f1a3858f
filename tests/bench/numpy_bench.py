"""The rows of elementwise_bench in NumPy, and the ratio of both.

    tests/bench/numpy_bench.py BUILD/tests/bench/elementwise_bench

Both run on this machine one after the other; ratios below 1 mean libad is faster.
"""
import json
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError:
    sys.exit("NumPy is missing; ./setup.sh --numpy installs it (Debian and Ubuntu have it in the package python3-numpy)")


def chain(x):
    return np.sum(np.tanh(2 * x + 1) * np.exp(-x * x))


functions = {"chain": chain, "x + x": lambda x: x + x, "2 x": lambda x: x * 2, "exp": np.exp, "tanh": np.tanh, "sin": np.sin,
             "arctan": np.arctan, "cosh": np.cosh, "expm1": np.expm1, "arcsinh": np.arcsinh, "cbrt": np.cbrt, "x ** 2": lambda x: x ** 2,
             "clip": lambda x: np.clip(x, -0.5, 0.5)}
functions_of_positive = {"sqrt": np.sqrt, "log": np.log, "log1p": np.log1p, "log10": np.log10, "x ** x": lambda x: x ** x, "x ** 1.7": lambda x: x ** 1.7}
functions_of_small = {"arctanh": np.arctanh}


def median_time(f, x):
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            f(x)
        if time.perf_counter() - start > 0.02:
            break
        calls *= 2
    times = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(calls):
            f(x)
        times.append((time.perf_counter() - start) / calls)
    return sorted(times)[7]


with tempfile.NamedTemporaryFile(suffix=".json") as results:
    subprocess.run([sys.argv[1], results.name], check=True, stdout=subprocess.DEVNULL)
    ours = {row["name"]: row["seconds"] for row in json.load(open(results.name))}

print(f"{'':32}{'libad us':>12}{'NumPy us':>12}{'ratio':>8}")
for size in (10, 1000, 100000, 1000000):
    x = np.random.default_rng(1).normal(size=size)
    groups = [(functions, x), (functions_of_positive, abs(x) + 0.1), (functions_of_small, 0.1 * x)]
    for name, f, argument in [(name, f, argument) for group, argument in groups for name, f in group.items()]:
        row = f"{name}, n = {size}"
        theirs = median_time(f, argument)
        print(f"{row:32}{ours[row] * 1e6:12.2f}{theirs * 1e6:12.2f}{ours[row] / theirs:8.2f}")
