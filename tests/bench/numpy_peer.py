"""The rows of elementwise, fft, chain, moves, products and linalg in NumPy, on one thread (compare.py sets OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to 1)."""
import numpy as np
import scipy.fft
import scipy.linalg

from peer import Peer, options, uniform

# Elementwise functions, of any numbers, of positive ones, of small ones.
ANY = {"x + x": lambda x: x + x, "2 x": lambda x: x * 2, "exp": np.exp, "tanh": np.tanh, "sin": np.sin, "arctan": np.arctan, "cosh": np.cosh,
       "expm1": np.expm1, "arcsinh": np.arcsinh, "cbrt": np.cbrt, "x ** 2": lambda x: x ** 2, "clip": lambda x: np.clip(x, -0.5, 0.5),
       "x > 0 ? x : 1 / x": lambda x: np.where(x > 0, x, 1 / x)}
POSITIVE = {"sqrt": np.sqrt, "log": np.log, "log1p": np.log1p, "log10": np.log10, "x ** x": lambda x: x ** x, "x ** 1.7": lambda x: x ** 1.7,
            "x ** 0.5": lambda x: x ** 0.5}
SMALL = {"arctanh": np.arctanh}


def elementwise(peer):
    for n in (10, 1000, 100000, 1000000):
        x = 4 * (uniform(n, 1) - 0.5)
        for functions, argument in ((ANY, x), (POSITIVE, np.abs(x) + 0.1), (SMALL, x * 0.05)):
            for name, f in functions.items():
                peer.measure(f"{name}, n = {n}", lambda f=f, argument=argument: f(argument), aim=1)


def chain(peer):
    for n in (10**k for k in range(1, 8)):
        for dtype in (np.float64, np.float32):
            x = (uniform(n, 1) * 4 - 2).astype(dtype)
            row = f"growth: chain, {np.dtype(dtype).name}, n = {n}, value"
            peer.measure(row, lambda x=x: np.sum(np.tanh(2 * x + 1) * np.exp(-x * x)), aim=1)


def fft(peer):
    def parts(y):
        return np.concatenate([y.real.ravel(), y.imag.ravel()]) if np.iscomplexobj(y) else y

    def row(name, f):
        peer.measure(name, f, aim=1.5, result=parts)

    for n in (2**4, 2**6, 2**8, 2**10, 2**12, 2**14, 2**16, 2**18, 2**20, 15, 1000, 1001, 2187, 3125, 9999, 100000, 101, 1009, 7919, 15838):
        x = uniform(n, 1) - 0.5
        z = x + 1j * (uniform(n, 2) - 0.5)
        half, single = np.fft.rfft(x), z.astype(np.complex64)
        row(f"fft, n = {n}", lambda z=z: np.fft.fft(z))
        row(f"rfft, n = {n}", lambda x=x: np.fft.rfft(x))
        if n % 2 == 0:
            row(f"irfft of rfft, n = {n}", lambda half=half: np.fft.irfft(half))
        row(f"fft, float32, n = {n}", lambda single=single: np.fft.fft(single))
    m, many = uniform((1000, 1000), 1) - 0.5, (uniform(160000, 2) - 0.5).reshape(10000, 16)
    z, line = m.astype(complex), uniform(65536, 3) - 0.5
    row("fft2 of 1000 x 1000", lambda: np.fft.fft2(z))
    row("fft, axis 0 of 1000 x 1000", lambda: np.fft.fft(z, axis=0))
    row("rfft of 10000 x 16", lambda: np.fft.rfft(many))
    row("dct of 1000 x 1000", lambda: scipy.fft.dct(m))


def moves(peer):
    v, u = uniform(1000000, 1) - 0.5, uniform(1000000, 2)
    m, wide, tall = v.reshape(1000, 1000).copy(), v.reshape(100, 10000).copy(), v.reshape(10000, 100).copy()
    row, column, f32, flags, none = uniform(1000, 3), uniform((1000, 1), 4), (0.5 + u).astype(np.float32), v > 0, v > 1
    places, some_rows = (u * 1000000).astype(np.int64), (uniform(500, 5) * 1000).astype(np.int64)
    stack, small, ones = uniform((1000, 1000, 4), 6), uniform((4, 3), 7), 0.5 + u

    def set_rows():
        y = m.copy()
        y[some_rows] = row
        return y

    def scatter(x, update, value):
        y = x.copy()
        update.at(y, places, value)
        return y

    rows = {
        "sum": lambda: v.sum(),
        "sum, axis 0": lambda: m.sum(axis=0),
        "sum, axis 1": lambda: m.sum(axis=1),
        "sum, axis 0 of 100 x 10000": lambda: wide.sum(axis=0),
        "sum, axis 1 of 10000 x 100": lambda: tall.sum(axis=1),
        "sum, float32": lambda: f32.sum(),
        "sum of a transposed matrix, axis 0": lambda: m.T.sum(axis=0),
        "sum of every other": lambda: v[::2].sum(),
        "mean": lambda: v.mean(),
        "var": lambda: v.var(),
        "prod": lambda: ones.prod(),
        "max": lambda: v.max(),
        "max, axis 0": lambda: m.max(axis=0),
        "max, axis 1": lambda: m.max(axis=1),
        "argmax": lambda: v.argmax(),
        "argmax, axis 0": lambda: m.argmax(axis=0),
        "argmax, axis 1": lambda: m.argmax(axis=1),
        "any, found at once": lambda: flags.any(),
        "any, none": lambda: none.any(),
        "all, missed at once": lambda: none.all(),
        "norm": lambda: np.linalg.norm(v),
        "cumsum": lambda: np.cumsum(v),
        "cumsum, axis 0": lambda: np.cumsum(m, axis=0),
        "sort": lambda: np.sort(v),
        "sort, axis 0": lambda: np.sort(m, axis=0),
        "sort, axis 1": lambda: np.sort(m, axis=1),
        "argsort": lambda: np.argsort(v),
        "nonzero": lambda: np.flatnonzero(flags),
        "mask": lambda: v[flags],
        "where": lambda: np.where(flags, v, 0.0),
        "add a row": lambda: m + row,
        "add a column": lambda: m + column,
        "add its transpose": lambda: m + m.T,
        "transposed copy": lambda: m.T.copy(),
        "copy of every other": lambda: v[::2].copy(),
        "reversed copy": lambda: v[::-1].copy(),
        "repeat": lambda: np.repeat(row, 1000),
        "tile": lambda: np.tile(row, (1000, 1)),
        "pad": lambda: np.pad(m, 8),
        "roll": lambda: np.roll(v, 1234),
        "concatenate": lambda: np.concatenate([m, m]),
        "stack, last axis": lambda: np.stack([v, v], axis=-1),
        "take": lambda: v[places],
        "take rows": lambda: m[some_rows],
        "set rows": set_rows,
        "scatter-add": lambda: scatter(v, np.add, v),
        "scatter-multiply": lambda: scatter(ones, np.multiply, ones),
        "scatter-minimum": lambda: scatter(v, np.minimum, ones),
        "scatter-maximum": lambda: scatter(v, np.maximum, ones),
        "astype int64": lambda: ones.astype(np.int64),
        "astype float32": lambda: v.astype(np.float32),
        "x ** 0.5": lambda: ones ** 0.5,
        "(1000,1000,4) @ (4,3)": lambda: stack @ small,
    }
    for name, f in rows.items():
        peer.measure(name, f, aim=3 if name.startswith("sort") else 1.2)


def products(peer):
    def square(name, n, dtype=float, repeats=None):
        a, b = uniform((n, n), 1).astype(dtype), uniform((n, n), 2).astype(dtype)
        peer.measure(name, lambda: a @ b, aim=1.05 if n >= 64 else 0, repeats=repeats)

    for n in (4, 16, 64, 128, 256, 512, 1024):
        square(f"growth: product, n = {n}", n)
    square("growth: product, n = 2048", 2048, repeats=2)
    square("256 in float32", 256, np.float32)
    square("1024 in float32", 1024, np.float32)

    def pair(name, a, b):
        peer.measure(name, lambda: a @ b, aim=1.05)

    pair("256 x 784 times 784 x 50", uniform((256, 784), 1), uniform((784, 50), 2))
    pair("784 x 256 times 256 x 50, the first transposed", uniform((256, 784), 1).T, uniform((256, 50), 2))
    pair("256 x 50 times 50 x 784, the second transposed", uniform((256, 50), 1), uniform((784, 50), 2).T)
    a, b = uniform((512, 512), 1), uniform((512, 512), 2)
    pair("512, the first transposed", a.T, b)
    pair("512, the second transposed", a, b.T)
    pair("512, both transposed", a.T, b.T)
    pair("a stack of 1000, n = 8", uniform((1000, 8, 8), 1), uniform((1000, 8, 8), 2))
    a, b = uniform((64, 64, 64), 1), uniform((64, 64, 64), 2)
    pair("a stack of 64, n = 64", a, b)
    pair("a stack of 64, n = 64, the first transposed", a.swapaxes(1, 2), b)


def linalg(peer):
    def rows(of, x):
        n = x.shape[-1]
        y = x + n * np.eye(n)
        h = y @ y.swapaxes(-2, -1)
        for name, f in {
            "solve": lambda: np.linalg.solve(y, x[..., :1]), "inv": lambda: np.linalg.inv(y), "slogdet": lambda: np.linalg.slogdet(y)[1],
            "cholesky": lambda: np.linalg.cholesky(h), "eigh": lambda: np.linalg.eigh(h)[0], "svd": lambda: np.linalg.svd(y)[1],
            "qr": lambda: np.abs(np.linalg.qr(y)[1]), "lu": lambda: scipy.linalg.lu(y)[2], "eig": lambda: np.sort(np.abs(np.linalg.eig(y)[0])),
            "sqrtm": lambda: scipy.linalg.sqrtm(y), "eigvalsh": lambda: np.linalg.eigvalsh(h), "svdvals": lambda: np.linalg.svd(y, compute_uv=False),
            "eigvals": lambda: np.sort(np.abs(np.linalg.eigvals(y))),
        }.items():
            peer.measure(f"{name}, {of}", f, aim=1.05)
        if x.ndim == 2:
            peer.measure(f"toeplitz, {of}", lambda: scipy.linalg.toeplitz(x[:, 0]), aim=1.05)

    for n in (10, 100, 500):
        rows(f"n = {n}", uniform((n, n), 1) - 0.5)
    for n in (2, 3, 4):
        rows(f"10000 of n = {n}", uniform((10000, n, n), 1) - 0.5)


if __name__ == "__main__":
    chosen = options()
    {"elementwise": elementwise, "fft": fft, "chain": chain, "moves": moves, "products": products, "linalg": linalg}[chosen.program](Peer("NumPy", np.__version__, chosen))
