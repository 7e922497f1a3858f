"""Writes linalg.inc: values, gradients and second derivatives of every function of ad/linalg.h and ad/fft.h, for golden_linalg_test.c.

    pip install numpy scipy jax mpmath && python3 tests/golden/linalg.py > tests/golden/linalg.inc

Names of functions behind it: those alone.

A function here takes the operands that it cuts out of one vector x, as the C function of the same name does. Its results y, one after the other, are
NumPy's and SciPy's. The number that is differentiated is the sum of cos(k) sin(re y_k + 0.7 im y_k). JAX gives the gradient g, df/dx - i df/dy of complex
x, and the derivative h of g in the direction cos(1), cos(2) ... (with cos(k + 1/2) i for complex x). Where JAX has no derivative, or none of second order
(eig, sqrtm), g and h are central differences of mpmath's functions in numbers of 60 digits.
"""
import sys
from types import SimpleNamespace

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import jax.scipy.fft
import jax.scipy.linalg
import mpmath
import numpy as np
import scipy.fft
import scipy.linalg
from mpmath import mp

mp.dps = 60
NUMPY = SimpleNamespace(np=np, la=np.linalg, sl=scipy.linalg, fft=np.fft)
JAX = SimpleNamespace(np=jnp, la=jnp.linalg, sl=jax.scipy.linalg, fft=jnp.fft)
REAL, COMPLEX = 1, 2
CASES = {}


def case(*shapes, kinds=REAL | COMPLEX, jax=None, mp=None):
    """Enters a function of operands of these shapes. A shape that ends with "+" has 3 added to its diagonal. jax: what stands for it there."""
    def enter(f):
        CASES[f.__name__] = SimpleNamespace(shapes=shapes, kinds=kinds, numpy=f, jax=jax or f, mp=mp)
        return f
    return enter


def adjoint(a):
    return a.swapaxes(-2, -1).conj()


def definite(m, a):
    return a @ adjoint(a) + m.np.eye(a.shape[-1])


def hermitian(m, a, lower):
    strict = m.np.tril(a, -1) if lower else m.np.triu(a, 1)
    return strict + adjoint(strict) + m.np.diag(m.np.diag(a).real).astype(a.dtype)


# ---- systems ----

S, SD = (3, 3), (3, 3, "+")

@case(SD, (3, 2))
def solve(m, a, b):
    return m.la.solve(a, b)


@case((2, 3, 3, "+"), (3, 2))
def solve_stack(m, a, b):
    return m.la.solve(a, m.np.broadcast_to(b, (2, 3, 2)))


@case(SD, (3,))
def solve_vector(m, a, b):
    return m.la.solve(a, b)


@case(S, (3, 2))
def solve_positive(m, a, b):
    return m.la.solve(definite(m, a), b)


@case(S, (3, 2))
def solve_hermitian(m, a, b):
    return m.la.solve(definite(m, a) - 3 * m.np.eye(3), b)


@case(SD, (3, 2))
def solve_upper(m, a, b):
    return m.la.solve(m.np.triu(a), b)


@case(SD, (3, 2))
def solve_lower_transposed(m, a, b):
    return m.la.solve(m.np.tril(a).T, b)


@case(S, (3, 2))
def solve_unit_adjoint(m, a, b):
    return m.la.solve(adjoint(m.np.triu(a, 1) + m.np.eye(3)), b)


@case(SD)
def inv(m, a):
    return m.la.inv(a)


@case(S)
def det(m, a):
    return m.la.det(a)


@case(S)
def slogdet(m, a):
    return m.la.slogdet(a)


@case(S)
def cholesky(m, a):
    return m.la.cholesky(definite(m, a))


@case(S)
def cholesky_upper(m, a):
    return adjoint(m.la.cholesky(definite(m, a)))


@case(S, jax=lambda m, a: adjoint(m.la.cholesky(definite(m, a))))
def cho_factor(m, a):
    return m.np.triu(m.sl.cho_factor(definite(m, a))[0])


@case(S, jax=lambda m, a: m.la.cholesky(definite(m, a)))
def cho_factor_lower(m, a):
    return m.np.tril(m.sl.cho_factor(definite(m, a), lower=True)[0])


@case(SD, (3, 2), jax=lambda m, c, b: m.la.solve(adjoint(m.np.triu(c)) @ m.np.triu(c), b))
def cho_solve(m, c, b):
    return m.sl.cho_solve((c, False), b)


@case(SD, (3, 2), jax=lambda m, c, b: m.la.solve(m.np.tril(c) @ adjoint(m.np.tril(c)), b))
def cho_solve_lower(m, c, b):
    return m.sl.cho_solve((c, True), b)


def spread(ab, lower, upper):
    n = ab.shape[-1]
    return jnp.stack([jnp.stack([ab[upper + i - j, j] if -upper <= i - j <= lower else ab[0, 0] * 0 for j in range(n)]) for i in range(n)])


@case((4, 5), (5, 2), jax=lambda m, ab, b: m.la.solve(spread(ab.at[2].add(4), 1, 2), b))
def solve_banded(m, ab, b):
    ab = ab.copy()
    ab[2] += 4
    return m.sl.solve_banded((1, 2), ab, b)


def by_kronecker(m, a, b, q):
    rows, columns = q.shape
    whole = m.np.kron(a, m.np.eye(columns)) + m.np.kron(m.np.eye(rows), b.T)
    return m.la.solve(whole, q.ravel()).reshape(rows, columns)


@case(SD, (2, 2, "+"), (3, 2), jax=by_kronecker)
def solve_sylvester(m, a, b, q):
    return m.sl.solve_sylvester(a, b, q)


@case((6, 6, "+"), (6,), jax=lambda m, a, b: m.la.solve(a, b).reshape(2, 3))
def tensorsolve(m, a, b):
    return m.la.tensorsolve(a.reshape(3, 2, 2, 3), b.reshape(3, 2))


@case((4, 4, "+"), jax=lambda m, a: m.la.inv(a))
def tensorinv(m, a):
    return m.la.tensorinv(a.reshape(2, 2, 4), 2)


# ---- decompositions ----

@case(S)
def lu(m, a):
    return m.sl.lu(a)


@case((4, 2))
def lu_tall(m, a):
    return m.sl.lu(a)


@case((2, 4))
def lu_wide(m, a):
    return m.sl.lu(a)


@case(S)
def lu_permuted(m, a):
    return m.sl.lu(a, permute_l=True)


@case((2, 4, "+"), jax=lambda m, a: (jnp.tril(m.sl.lu(a)[1], -1) @ jnp.eye(2, 4) + m.sl.lu(a)[2],))
def lu_factor(m, a):
    return m.sl.lu_factor(a)[0]


def solved_by_lu(trans):
    def solved(m, f, b):
        a = m.np.eye(3)[m.np.array([2, 0, 1])].T @ (m.np.tril(f, -1) + m.np.eye(3)) @ m.np.triu(f)
        return m.la.solve([a, a.T, adjoint(a)][trans], b)
    return solved


@case(SD, (3, 2), jax=solved_by_lu(0))
def lu_solve(m, f, b):
    return m.sl.lu_solve((f, np.array([2, 2, 2], dtype=np.int32)), b)


@case(SD, (3, 2), jax=solved_by_lu(1))
def lu_solve_transposed(m, f, b):
    return m.sl.lu_solve((f, np.array([2, 2, 2], dtype=np.int32)), b, trans=1)


@case(SD, (3, 2), jax=solved_by_lu(2))
def lu_solve_adjoint(m, f, b):
    return m.sl.lu_solve((f, np.array([2, 2, 2], dtype=np.int32)), b, trans=2)


@case(S)
def eigh(m, a):
    w, v = m.la.eigh(definite(m, a))
    return w, m.np.abs(v)


@case(S, jax=lambda m, a: m.la.eigvalsh(hermitian(m, a, True)))
def eigvalsh_of_lower(m, a):
    return m.la.eigvalsh(a, UPLO="L")


@case(S, jax=lambda m, a: m.la.eigvalsh(hermitian(m, a, False)))
def eigvalsh_of_upper(m, a):
    return m.la.eigvalsh(a, UPLO="U")


@case((4, 3))
def qr(m, a):
    return m.la.qr(a)


@case((2, 4), jax=lambda m, a: (m.la.qr(a[:, :2])[0], m.np.hstack([m.la.qr(a[:, :2])[1], adjoint(m.la.qr(a[:, :2])[0]) @ a[:, 2:]])))
def qr_wide(m, a):
    return m.la.qr(a)


@case((4, 2), jax=lambda m, a: m.np.eye(4) - m.la.qr(a)[0] @ adjoint(m.la.qr(a)[0]))
def qr_complete(m, a):
    rest = m.la.qr(a, mode="complete")[0][:, 2:]
    return rest @ adjoint(rest)


@case((4, 3))
def svd(m, a):
    u, s, vh = m.la.svd(a, full_matrices=False)
    return m.np.abs(u), s, m.np.abs(vh)


@case((2, 4))
def svd_wide(m, a):
    u, s, vh = m.la.svd(a, full_matrices=False)
    return m.np.abs(u), s, m.np.abs(vh)


@case((4, 2), jax=lambda m, a: m.np.eye(4) - a @ m.la.inv(adjoint(a) @ a) @ adjoint(a))
def svd_full(m, a):
    rest = m.la.svd(a)[0][:, 2:]
    return rest @ adjoint(rest)


@case((3, 4))
def svdvals(m, a):
    return m.la.svd(a, compute_uv=False)


@case((4, 2), jax=lambda m, a: m.la.inv(adjoint(a) @ a) @ adjoint(a))
def pinv(m, a):
    return m.la.pinv(a)


@case((2, 4), jax=lambda m, a: adjoint(a) @ m.la.inv(a @ adjoint(a)))
def pinv_wide(m, a):
    return m.la.pinv(a)


def fit(m, a, b):
    x = m.la.inv(adjoint(a) @ a) @ adjoint(a) @ b
    return x, m.np.sum(m.np.abs(b - a @ x) ** 2, axis=0)


@case((4, 2), (4, 3), jax=fit)
def lstsq(m, a, b):
    return m.la.lstsq(a, b)[:2]


# ---- eigenvalues and roots: mpmath ----

def rows_of(a):
    return mpmath.matrix([[a[i, j] for j in range(a.shape[1])] for i in range(a.shape[0])])


def mp_eig(a):
    """Eigenvalues and moduli of unit eigenvectors, in the order of NumPy's eigenvalues of the matrix, rounded."""
    w, v = mpmath.eig(rows_of(a))
    order = []
    for value in np.linalg.eigvals(np.vectorize(complex)(a)) if np.any(np.vectorize(lambda z: mpmath.im(z) != 0)(a)) else np.linalg.eigvals(np.vectorize(lambda z: float(mpmath.re(z)))(a)):
        order.append(min((k for k in range(len(w)) if k not in order), key=lambda k: abs(w[k] - complex(value))))
    columns = [[v[i, k] for i in range(len(w))] for k in order]
    lengths = [mpmath.sqrt(sum(abs(z) ** 2 for z in column)) for column in columns]
    n = len(w)
    return [w[k] for k in order], [abs(columns[j][i]) / lengths[j] for i in range(n) for j in range(n)]


@case(S, mp=lambda a: mp_eig(a)[0])
def eigvals(m, a):
    return m.la.eigvals(a)


@case(S, mp=lambda a: sum(mp_eig(a), []))
def eig(m, a):
    w, v = m.la.eig(a)
    return w, m.np.abs(v)


@case(SD, mp=lambda a: list(mpmath.sqrtm(rows_of(a))))
def sqrtm(m, a):
    return m.sl.sqrtm(a)


@case((2, 2), mp=lambda a: list(mpmath.expm(rows_of(a), method="taylor")))
def expm(m, a):
    return m.sl.expm(a)


# ---- norms and powers ----

def norm_case(name, shape, **options):
    def f(m, a):
        return m.la.norm(a, **options)
    f.__name__ = name
    case(shape)(f)


norm_case("norm", (5,))
norm_case("norm_1", (5,), ord=1)
norm_case("norm_3", (5,), ord=3)
norm_case("norm_largest", (5,), ord=np.inf)
norm_case("norm_smallest", (5,), ord=-np.inf)
norm_case("norm_frobenius", (3, 4), ord="fro")
norm_case("norm_columns", (3, 4), ord=1)
norm_case("norm_rows", (3, 4), ord=-np.inf)
norm_case("norm_spectral", (3, 4), ord=2)
norm_case("norm_least", (3, 4), ord=-2)
norm_case("norm_nuclear", (3, 4), ord="nuc")


@case(SD)
def cond(m, a):
    return m.la.cond(a)


@case(SD)
def cond_1(m, a):
    return m.la.norm(a, 1) * m.la.norm(m.la.inv(a), 1) if m is JAX else m.la.cond(a, 1)


@case(SD)
def matrix_power(m, a):
    return 0.01 * m.la.matrix_power(a, 3)


@case(SD)
def matrix_power_negative(m, a):
    return m.la.matrix_power(a, -2)


# ---- Fourier transforms ----

def fft_case(name, shape, kinds, function, **options):
    def f(m, x):
        return getattr(m.fft, function)(x, **options)
    f.__name__ = name
    case(shape, kinds=kinds)(f)


fft_case("fft", (7,), 3, "fft")
fft_case("fft_ortho", (3, 4), 3, "fft", axis=0, norm="ortho")
fft_case("fft_cut", (7,), 3, "fft", n=5)
fft_case("fft_longer", (5,), 3, "fft", n=8, norm="forward")
fft_case("ifft", (6,), 3, "ifft")
fft_case("fft2", (3, 4), 3, "fft2")
fft_case("ifft2", (3, 4), 3, "ifft2", norm="ortho")
fft_case("fftn", (2, 3, 2), 3, "fftn")
fft_case("ifftn", (2, 3, 2), 3, "ifftn", norm="forward")
fft_case("rfft", (8,), REAL, "rfft")
fft_case("rfft_odd", (7,), REAL, "rfft", norm="ortho")
fft_case("irfft", (5,), 3, "irfft")
fft_case("irfft_odd", (4,), 3, "irfft", n=7)
fft_case("rfft2", (3, 4), REAL, "rfft2")
fft_case("irfft2", (3, 4), 3, "irfft2")
fft_case("rfftn", (2, 3, 3), REAL, "rfftn")
fft_case("irfftn", (2, 2, 3), 3, "irfftn", norm="ortho")
fft_case("fftshift", (3, 4), 3, "fftshift")
fft_case("ifftshift", (3, 4), 3, "ifftshift", axes=1)


@case((5,), kinds=COMPLEX, jax=lambda m, x: m.fft.irfft(x.conj()) * 8)
def hfft(m, x):
    return m.fft.hfft(x)


@case((6,), kinds=REAL, jax=lambda m, x: m.fft.rfft(x).conj() / 6)
def ihfft(m, x):
    return m.fft.ihfft(x)


def dct_case(name, function, **options):
    def f(m, x):
        return function(x, **options)
    f.__name__ = name
    case((6,), kinds=REAL, jax=lambda m, x: jnp.array(function(np.eye(6), axis=0, **options)) @ x)(f)


dct_case("dct", scipy.fft.dct)
dct_case("dct_3", scipy.fft.dct, type=3, norm="ortho")
dct_case("idct", scipy.fft.idct)


# ---- options, layouts, and awkward matrices ----

norm_case("norm_minus_1", (5,), ord=-1)
norm_case("norm_minus_2", (5,), ord=-2)
norm_case("norm_half", (5,), ord=0.5)
norm_case("norm_zero", (5,), ord=0)
norm_case("norm_along", (3, 4), ord=3, axis=0, keepdims=True)
norm_case("norm_turned", (2, 3, 4), ord="fro", axis=(2, 0))
norm_case("norm_least_column", (3, 4), ord=-1)
norm_case("norm_largest_row", (2, 3, 4), ord=np.inf, axis=(2, 1), keepdims=True)
norm_case("norm_nuclear_turned", (2, 3, 4), ord="nuc", axis=(-1, 0))


@case((3, 4))
def vector_norm(m, a):
    return m.la.vector_norm(a, ord=3, axis=(0, 1), keepdims=True)


@case((2, 3, 3))
def matrix_norm(m, a):
    return m.la.matrix_norm(a, ord=-2, keepdims=True)


def cond_case(name, p):
    def f(m, a):
        if m is JAX and p == -2:
            s = m.la.svd(a, compute_uv=False)
            return s[-1] / s[0]
        return m.la.norm(a, p) * m.la.norm(m.la.inv(a), p) if m is JAX else m.la.cond(a, p)
    f.__name__ = name
    case(SD)(f)


cond_case("cond_minus_1", -1)
cond_case("cond_minus_2", -2)
cond_case("cond_rows", np.inf)
cond_case("cond_least_row", -np.inf)
cond_case("cond_frobenius", "fro")
cond_case("cond_nuclear", "nuc")


@case((3,), (3, 2), (2, 4))
def multi_dot(m, a, b, c):
    return m.la.multi_dot([a, b, c])


@case((2, 2), (1, 3), (2,))
def block_diag(m, a, b, c):
    return m.sl.block_diag(a, b, c)


@case((3,), (4,))
def toeplitz(m, c, r):
    return m.sl.toeplitz(c, r)


@case((3,))
def toeplitz_hermitian(m, c):
    return m.sl.toeplitz(c)


@case((2, 3), (3,), jax=lambda m, a, b: m.np.cross(a, b))
def cross(m, a, b):
    return m.la.cross(a, b)


@case((2,), (3,))
def outer(m, a, b):
    return m.la.outer(a, b)


@case((2, 3), (3,), jax=lambda m, a, b: m.np.sum(a.conj() * b, axis=-1))
def vecdot(m, a, b):
    return m.la.vecdot(a, b)


@case((2, 3, 4), (4, 2))
def product(m, a, b):
    return m.la.matmul(a, b)


@case((2, 3, 4), (4, 3, 2))
def tensordot(m, a, b):
    return m.la.tensordot(a, b, axes=((2, 1), (0, 1)))


@case((2, 3, 4), jax=lambda m, a: m.np.trace(a, 1, -2, -1))
def trace(m, a):
    return m.la.trace(a, offset=1)


@case((2, 3, 4), jax=lambda m, a: m.np.diagonal(a, -1, -2, -1))
def diagonal(m, a):
    return m.la.diagonal(a, offset=-1)


@case((2, 3, 4), jax=lambda m, a: m.np.swapaxes(a, -1, -2))
def matrix_transpose(m, a):
    return m.la.matrix_transpose(a)


@case((2, 6, 3), (6,))
def tensorsolve_of_axes(m, a, b):
    return m.la.tensorsolve(a, b, axes=(0,))


@case((4, 2, 2))
def tensorinv_of_one(m, a):
    return m.la.tensorinv(a, 1)


@case((4, 2))
def lu_permuted_tall(m, a):
    return m.sl.lu(a, permute_l=True)


@case((2, 4))
def lu_permuted_wide(m, a):
    return m.sl.lu(a, permute_l=True)


@case((4, 3))
def qr_r(m, a):
    return m.la.qr(a, mode="r")


@case((2, 4), jax=lambda m, a: m.np.eye(4) - adjoint(a) @ m.la.inv(a @ adjoint(a)) @ a)
def svd_full_wide(m, a):
    rest = m.la.svd(a)[2][2:]
    return adjoint(rest) @ rest


def solve_band(name, lower, upper, shape):
    def f(m, ab, b):
        if m is JAX:
            return m.la.solve(spread(ab.at[upper].add(4), lower, upper), b)
        ab = ab.copy()
        ab[upper] += 4
        return m.sl.solve_banded((lower, upper), ab, b)
    f.__name__ = name
    case((lower + upper + 1, 4), shape)(f)


solve_band("solve_banded_vector", 2, 1, (4,))
solve_band("solve_banded_diagonal", 0, 0, (4, 2))
solve_band("solve_banded_lower", 2, 0, (4,))


@case((4, 2), (4,), jax=lambda m, a, b: fit(m, a, b[:, None]))
def lstsq_vector(m, a, b):
    return m.la.lstsq(a, b)[:2]


@case((2, 4), (2,), jax=lambda m, a, b: adjoint(a) @ m.la.inv(a @ adjoint(a)) @ b)
def lstsq_wide(m, a, b):
    return m.la.lstsq(a, b)[0]


@case((4, 1), (1, 3), (4,), jax=lambda m, a, b, c: adjoint(b) @ m.la.inv(b @ adjoint(b)) @ m.la.inv(adjoint(a) @ a) @ adjoint(a) @ c)
def lstsq_of_rank_1(m, a, b, c):
    return m.la.lstsq(a @ b, c, rcond=1e-8)[0]


@case((3, 1), (1, 3), jax=lambda m, a, b: adjoint(b) @ m.la.inv(b @ adjoint(b)) @ m.la.inv(adjoint(a) @ a) @ adjoint(a))
def pinv_of_rank_1(m, a, b):
    return m.la.pinv(a @ b, rcond=1e-8)


def mp_pinv(a, kept):
    """The pseudo-inverse of what the largest singular values make of a; their squares are eigenvalues of a^H a."""
    a = rows_of(a)
    w, v = mpmath.eigh(a.H * a)
    p = mpmath.zeros(a.cols, a.rows)
    for k in sorted(range(len(w)), key=lambda k: -w[k])[:kept]:
        p += v[:, k] * v[:, k].H * a.H / w[k]
    return p


@case((3, 2), mp=lambda a: list(mp_pinv(a * np.array([1, mpmath.mpf(0.25)]), 1)))
def pinv_cut(m, a):
    return m.la.pinv(a * np.array([1, 0.25]), rcond=0.5)


@case((2, 2), mp=lambda a: list(mpmath.expm(8 * rows_of(a), method="taylor") / 10000))
def expm_of_large_norm(m, a):
    return m.sl.expm(8 * a) / 10000


def jordan(m, x):
    """x and 40 y on the diagonals of a matrix with the only eigenvalue x."""
    zero, y = 0 * x[0], 40 * x[1]
    return m.np.stack([m.np.stack([x[0], y, zero]), m.np.stack([zero, x[0], y]), m.np.stack([zero, zero, x[0]])])


def jordan_exponential(m, x):
    zero, y, e = 0 * x[0], 40 * x[1], m.np.exp(x[0])
    return m.np.stack([m.np.stack([e, y * e, y * y / 2 * e]), m.np.stack([zero, e, y * e]), m.np.stack([zero, zero, e])]) / 1000


@case((2,), jax=jordan_exponential)
def expm_of_defective(m, x):
    return m.sl.expm(jordan(m, x)) / 1000


@case((2, 1), mp=lambda a: list(mpmath.sqrtm(rows_of(a) * rows_of(a).H + mpmath.mpf(0.01) * mpmath.eye(2))))
def sqrtm_near_singular(m, a):
    return m.sl.sqrtm(definite_by(m, a))


def definite_by(m, a):
    return a @ adjoint(a) + 0.01 * m.np.eye(2)


# ---- transforms by their matrices: what JAX has not, or has for fewer options ----

def linear(shape, function):
    """The columns are the transforms of unit vectors, and of i times them."""
    n = int(np.prod(shape))
    real = np.stack([np.ravel(function(e.reshape(shape))) for e in np.eye(n)], axis=1)
    try:
        imaginary = np.stack([np.ravel(function(1j * e.reshape(shape))) for e in np.eye(n)], axis=1)
    except TypeError:
        imaginary = np.zeros_like(real)
    return lambda m, x: jnp.array(real) @ x.real.ravel() + jnp.array(imaginary) @ x.imag.ravel()


def transform_case(name, shape, kinds, function, **options):
    def f(m, x):
        return function(x, **options)
    f.__name__ = name
    case(shape, kinds=kinds, jax=linear(shape, lambda x: function(x, **options)))(f)


transform_case("fft_of_prime", (13,), 3, np.fft.fft, norm="ortho")
transform_case("fft_of_one", (2, 1), 3, np.fft.fft)
transform_case("fftn_repeated", (3, 4), 3, np.fft.fftn, axes=(0, 1, 0), norm="forward")
transform_case("ifftn_cut", (3, 4), 3, np.fft.ifftn, s=(5, 2), axes=(1, 0))
transform_case("rfft_cut", (2, 7), REAL, np.fft.rfft, n=5, norm="forward")
transform_case("rfft_longer", (5, 2), REAL, np.fft.rfft, n=8, axis=0, norm="ortho")
transform_case("rfft_of_one", (3, 1), REAL, np.fft.rfft)
transform_case("rfft2_turned", (3, 4), REAL, np.fft.rfft2, s=(5, 2), axes=(1, 0), norm="ortho")
transform_case("rfftn_repeated", (3, 4), REAL, np.fft.rfftn, s=(4, 3, 5), axes=(0, 1, 0))
transform_case("irfft_cut", (6,), 3, np.fft.irfft, n=7, norm="forward")
transform_case("irfft_of_one", (1,), 3, np.fft.irfft, n=1)
transform_case("irfft2_turned", (3, 4), 3, np.fft.irfft2, s=(3, 6), axes=(1, 0), norm="forward")
transform_case("irfftn_repeated", (3, 4), 3, np.fft.irfftn, s=(4, 3, 5), axes=(0, 1, 0))
transform_case("hfft_odd", (4,), 3, np.fft.hfft, n=7, norm="ortho")
transform_case("hfft_longer", (3, 2), 3, np.fft.hfft, n=10, axis=0, norm="forward")
transform_case("ihfft_cut", (7, 2), REAL, np.fft.ihfft, n=6, axis=0, norm="ortho")
transform_case("ihfft_longer", (4,), REAL, np.fft.ihfft, n=9, norm="forward")
transform_case("fftshift_of_axes", (2, 3, 5), 3, np.fft.fftshift, axes=(2, 0))
transform_case("dct_forward", (5,), REAL, scipy.fft.dct, norm="forward")
transform_case("dct_cut", (2, 7), REAL, scipy.fft.dct, n=4, norm="ortho")
transform_case("dct_3_longer", (3, 2), REAL, scipy.fft.dct, type=3, n=5, axis=0)
transform_case("idct_longer", (5,), REAL, scipy.fft.idct, n=7, norm="ortho")
transform_case("idct_3", (5,), REAL, scipy.fft.idct, type=3, norm="forward")


# ---- what is written ----

def operands(shapes, x):
    parts, start = [], 0
    for shape in shapes:
        shape = tuple(n for n in shape if n != "+")
        size = int(np.prod(shape))
        parts.append(x[start:start + size].reshape(shape))
        start += size
    return parts


def argument(shapes, is_complex, seed):
    random = np.random.default_rng(seed)
    parts = []
    for shape in shapes:
        plain = tuple(n for n in shape if n != "+")
        part = random.normal(size=plain) + (1j * random.normal(size=plain) if is_complex else 0)
        parts.append((part + (3 * np.eye(*plain[-2:]) if "+" in shape else 0)).ravel())
    return np.round(np.concatenate(parts), 3)


def flat(m, y):
    return m.np.concatenate([m.np.asarray(part).ravel() for part in (y if isinstance(y, (tuple, list)) or hasattr(y, "_fields") else [y])])


def direction(count, is_complex):
    k = np.arange(1, count + 1)
    return np.cos(k) + (1j * np.cos(k + 0.5) if is_complex else 0)


def loss(y):
    return jnp.sum(jnp.cos(jnp.arange(y.size)) * jnp.sin(y.real + 0.7 * y.imag))


def by_jax(row, x, v):
    f = jax.grad(lambda x: loss(flat(JAX, row.jax(JAX, *operands(row.shapes, x)))))
    g, h = jax.jvp(f, (jnp.array(x),), (jnp.array(v),))
    return np.array(g), np.array(h)


def by_mpmath(row, x, v):
    one = mpmath.mpf(1)
    exact = lambda z: mpmath.mpc(z) if np.iscomplexobj(x) else one * float(z)
    x, v = [exact(z) for z in x], [exact(z) for z in v]

    def f(x):
        y = row.mp(*operands(row.shapes, np.array(x, dtype=object)))
        return sum(mpmath.cos(k) * mpmath.sin(mpmath.re(z) + 7 * one / 10 * mpmath.im(z)) for k, z in enumerate(y))

    def slope(x, k, unit):
        step = mpmath.mpf(10) ** -16
        ahead, behind = list(x), list(x)
        ahead[k] += unit * step
        behind[k] -= unit * step
        return (f(ahead) - f(behind)) / (2 * step)

    def gradient(x):
        if isinstance(x[0], mpmath.mpc):
            return [slope(x, k, one) - 1j * slope(x, k, mpmath.mpc(0, 1)) for k in range(len(x))]
        return [slope(x, k, one) for k in range(len(x))]

    step = mpmath.mpf(10) ** -12
    ahead, behind = (gradient([a + sign * step * b for a, b in zip(x, v)]) for sign in (1, -1))
    kind = complex if isinstance(x[0], mpmath.mpc) else float
    return np.array([kind(z) for z in gradient(x)]), np.array([kind((a - b) / (2 * step)) for a, b in zip(ahead, behind)])


def numbers(letter, z):
    z = np.asarray(z).ravel()
    reals = z.view(np.float64) if np.iscomplexobj(z) else z.astype(np.float64)
    lines, line = [], f"{letter}("
    for i, text in enumerate(repr(float(r)) for r in reals):
        text += ", " if i + 1 < len(reals) else ")"
        if len(line) + len(text) > 158:
            lines.append(line.rstrip())
            line = "  "
        line += text
    return "\n".join(lines + [line])


def check(name, row, x, y):
    """What JAX or mpmath differentiates is the function whose value is written."""
    if row.mp:
        other = np.array([complex(z) for z in row.mp(*operands(row.shapes, np.array([mpmath.mpmathify(complex(z) if np.iscomplexobj(x) else float(z)) for z in x], dtype=object)))])
    else:
        other = np.array(flat(JAX, row.jax(JAX, *operands(row.shapes, jnp.array(x)))))
    error = np.max(np.abs(y - other.reshape(y.shape))) / max(1, np.max(np.abs(y)))
    assert error < 1e-12, (name, error)


def main():
    chosen = sys.argv[1:] or CASES
    print("/* Written by linalg.py: the argument, the results, the gradient, its derivative in a direction; complex numbers in pairs. */")
    for seed, (name, row) in enumerate(CASES.items()):
        for kind, word in ((REAL, "real"), (COMPLEX, "complex")):
            if not row.kinds & kind or name not in chosen:
                continue
            x = argument(row.shapes, kind == COMPLEX, seed)
            y = flat(NUMPY, row.numpy(NUMPY, *operands(row.shapes, x)))
            check(name, row, x, y)
            g, h = (by_mpmath if row.mp else by_jax)(row, x, direction(len(x), kind == COMPLEX))
            assert np.all(np.isfinite(g)) and np.all(np.isfinite(h)), name
            print(f"BEGIN({word}, {name}, {'AD_C128' if np.iscomplexobj(y) else 'AD_F64'})")
            for letter, z in zip("XYGH", (x, y, g, h)):
                print(numbers(letter, z))
            print("END")
            print(word, name, file=sys.stderr)


main()
