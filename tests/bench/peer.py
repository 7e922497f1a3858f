"""What the peers' scripts share: the rows of the C programs measured in another library, in process CPU time, with the same inputs, as lines of JSON.

A row has the name that the C program gives it. Inputs come from uniform(), which makes the same bits as bench_uniform in bench.c; a result becomes a number as
bench_sum_of makes one, so that compare.py can tell whether both computed the same. The options are those of the programs, and --program NAME: whose rows.
"""
import argparse
import json
import os
import statistics
import sys
import time

import numpy as np

LEAST = 0.01  # seconds that a turn takes at least


def uniform(shape, seed):
    """Random numbers from 0 to 1."""
    with np.errstate(over="ignore"):
        count = int(np.prod(shape))
        z = (np.uint64(seed << 40) + np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(float).reshape(shape) * 2.0**-53


def sum_of(results):
    """The sum of all elements, each times its factor between 1 and 2, of an array or of each array in a list; and that of their magnitudes."""
    total = size = 0.0
    for result in results if isinstance(results, (list, tuple)) else [results]:
        values = np.asarray(result, dtype=float).ravel()
        factors = 1 + (np.arange(values.size, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)).astype(float) * 2.0**-32
        total += float(np.sum(factors * values))
        size += float(np.sum(np.abs(factors * values)))
    return total, size


class Peer:
    """The rows of one library."""

    def __init__(self, who, version, options):
        self.who, self.options = who, options
        self.write(config=f"{who} {version}")

    def write(self, **fields):
        line = json.dumps({"program": self.options.program, "who": self.who, **fields})
        with open(self.options.json, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def wants(self, row):
        return self.options.only in row

    def measure(self, row, f, aim=0, result=None, repeats=None):
        """Times f(), whose first call may compile it; its result, or what `result` makes of it, is what is compared. libad should take at most `aim` times as
        long (0: no aim)."""
        if not self.wants(row):
            return
        start = time.process_time()
        value = f()
        samples = [time.process_time() - start]
        total, size = sum_of(result(value) if result else value)
        if samples[0] < 1 or self.who == "JAX":  # what takes longer without compiling is not called again
            calls = 1
            while (taken := self.turn(f, calls)) * calls < LEAST:
                calls = int(calls * LEAST / (taken * calls) * 1.1) + 1 if taken * calls > LEAST / 64 else calls * 16
            samples = sorted(self.turn(f, calls) for _ in range(repeats or self.options.repeats))
        print(f"{row:58} {self.who:22} {1e6 * statistics.median(samples):13.3f} us", flush=True)
        self.write(row=row, seconds=statistics.median(samples), samples=samples, sum=total, size=size, aim=aim)

    def figure(self, row, value, unit):
        if self.wants(row):
            self.write(row=row, figure=value, unit=unit)

    @staticmethod
    def turn(f, calls):
        start = time.process_time()
        for _ in range(calls):
            f()
        return (time.process_time() - start) / calls


def options():
    """The options, after what keeps the libraries on one thread: they read it when they are loaded."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--json", default=os.devnull)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument("--data", default=os.environ.get("AD_BENCH_DATA"))
    return parser.parse_args()


def numbers_of(folder, part, name):
    """A file of ADBench as one array, or None."""
    path = os.path.join(folder or "", part, name + ".txt")
    return np.array(open(path, encoding="utf-8").read().split(), dtype=float) if folder and os.path.exists(path) else None
