"""Writes slopes.inc: values and derivatives of every elementwise and special function at extreme arguments, for golden_slopes_test.c.

    pip install mpmath sympy && python3 tests/golden/slopes.py > tests/golden/slopes.inc

sympy differentiates, mpmath evaluates: with 700 digits, so that 1 - x and exp(x) - 1 keep what double has at both ends of its range, and special
functions with 60. A number is that of the exact double argument, rounded once. Infinite arguments stand for limits: they are evaluated at a number
far beyond the range. A row with a NaN says nothing about that order."""
import math
import struct

import mpmath
import sympy
from mpmath import mp
from sympy import (Integer, Symbol, acosh, acos, asin, asinh, atan, atanh, cos, cosh, diff, erf, exp, lambdify, log, pi, sin, sinh, sqrt, tan, tanh)

X, A, B, C = Symbol("x"), Symbol("a"), Symbol("b"), Symbol("c")
DIGITS = 700


def single(x):
    """The float32 nearest to x where x is in its range, so that both dtypes take the point."""
    return struct.unpack("f", struct.pack("f", x))[0] if 1e-45 < abs(x) <= 3.4028234663852886e38 else x


def number(value):
    """A C constant: value rounded to double; NaN for what is not real."""
    if value is None or mpmath.isnan(value):
        return "NAN"
    if mpmath.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if value == 0:
        return "0"
    magnitude = mpmath.mag(value)
    if magnitude > 1025 or magnitude < -1080:
        text = math.inf if magnitude > 0 else 0.0
        text = math.copysign(text, value)
    else:
        scaled = mpmath.nint(mpmath.ldexp(value, 1074)) if magnitude < -1021 else None
        try:
            text = float(int(scaled)) * 5e-324 if scaled is not None else float(value)
        except OverflowError:
            text = math.copysign(math.inf, value)
    if math.isinf(text):
        return "INFINITY" if text > 0 else "-INFINITY"
    return "0" if text == 0 else repr(text)


# ---- functions of one real number ----

GENERAL = [5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-200, 1e-160, 1e-100, 1e-60, 1e-44, 1e-40, 1.1754943508222875e-38, 1e-37, 1e-30, 1e-20,
           1e-13, 1e-10, 1e-8, 1e-5, 0.001, 0.1, 0.3, 0.5, 0.75, 0.9, 0.99, 1, 1.01, 1.5, 2, 3, 5, 8, 9.5, 12, 15, 17, 20, 26, 30, 37, 40, 44, 50, 70, 88, 100,
           104, 300, 500, 700, 709, 720, 740, 745, 800, 1e4, 1e6, 1e10, 1e13, 1e19, 1e20, 1e25, 1e30, 3e38, 1e50, 1e77, 1e100, 1e120, 1e150, 1.3e154, 1e160,
           1e200, 1e300, 1.7e308, math.inf]
GENERAL = sorted({single(x) for x in GENERAL})
BOTH = [-x for x in reversed(GENERAL)] + [0.0] + GENERAL
NEAR_1 = [1 - 2.0 ** -k for k in (4, 10, 17, 24, 35, 53)]
NEAR_1 = [-x for x in NEAR_1] + NEAR_1
INSIDE = sorted({x for x in BOTH if abs(x) < 1} | set(NEAR_1))
ABOVE_1 = [1 + 2.0 ** -k for k in (52, 35, 23, 16, 10, 4)] + [x for x in GENERAL if x > 1]
CIRCLE = [x for x in BOTH if abs(x) <= 1e6] + [1.5707963267948966, single(1.5707963), 3.141592653589793, -4.71238898038469, 1e22]
GAMMA = [x for x in GENERAL if x < 1e200 or math.isinf(x)] + [single(x) for x in (
    1.4616321, 2.5, -0.5, -0.1, -0.9, -1.5, -2.5, -3.25, -10.5, -10.75, -100.25, -1e-5, -1e-10, -1e-20, -1.0001, -0.9999, -1.9999, -2.0001, -7.001, -20.999)]
GAMMA += [-2.4570247382208006, -2.7476826467274127, -3.9552942848586023, -4.0393618798, -5.00821816832]  # near zeros of gammaln
GAMMA += [-1.0000001, -1.9999999, -3.0000001, -1e-100, -1e-300, -30.0000000001]

EXPONENTIAL, ALGEBRAIC = mpmath.mpf(10) ** 30, mpmath.mpf(10) ** 5000


def cbrt(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


CBRT = [cbrt, lambda x: 1 / (3 * cbrt(x) ** 2), lambda x: -2 / (9 * cbrt(x) ** 5), lambda x: 10 / (27 * cbrt(x) ** 8)]
GAMMALN = [lambda x: mpmath.log(abs(mpmath.gamma(x))) if abs(x) < 100 else mpmath.re(mpmath.loggamma(x))] + [lambda x, n=n: mpmath.psi(n, x) for n in range(3)]
SIGN = [mpmath.sign] + 3 * [lambda x: mpmath.mpf(0)]
ABS = [abs, mpmath.sign] + 2 * [lambda x: mpmath.mpf(0)]
RELU = [lambda x: max(x, mpmath.mpf(0)), lambda x: mpmath.mpf(x > 0)] + 2 * [lambda x: mpmath.mpf(0)]
ERFC = [lambda x: mpmath.erfc(x) if x < 1e20 else mpmath.mpf(0)] + [lambdify(X, -diff(erf(X), X, n), "mpmath") for n in (1, 2, 3)]


def psi(n):
    return [lambda x, k=k: mpmath.psi(n + k, x) for k in range(4)]


NO_END = None
SAME = True
REAL = [  # name, formula or its derivatives, points, what stands for infinity, and, of those that take complex numbers, the formula for them
    ("reciprocal", 1 / X, BOTH, ALGEBRAIC, SAME), ("square", X**2, BOTH, ALGEBRAIC, SAME), ("abs", ABS, BOTH, ALGEBRAIC), ("sign", SIGN, BOTH, ALGEBRAIC),
    ("fabs", ABS, BOTH, ALGEBRAIC), ("deg2rad", X * pi / 180, BOTH, ALGEBRAIC), ("rad2deg", X * 180 / pi, BOTH, ALGEBRAIC),
    ("sqrt", sqrt(X), GENERAL, ALGEBRAIC, SAME), ("cbrt", CBRT, BOTH, ALGEBRAIC),
    ("exp", exp(X), BOTH, EXPONENTIAL, SAME), ("exp2", Integer(2) ** X, BOTH, EXPONENTIAL, SAME), ("expm1", exp(X) - 1, BOTH, EXPONENTIAL, SAME),
    ("log", log(X), GENERAL + NEAR_1[6:], ALGEBRAIC, SAME), ("log2", log(X) / log(2), GENERAL + NEAR_1[6:], ALGEBRAIC, SAME),
    ("log10", log(X) / log(10), GENERAL + NEAR_1[6:], ALGEBRAIC, SAME), ("log1p", log(1 + X), NEAR_1[:6] + [x for x in BOTH if x > -1], ALGEBRAIC, SAME),
    ("sin", sin(X), CIRCLE, NO_END, SAME), ("cos", cos(X), CIRCLE, NO_END, SAME), ("tan", tan(X), CIRCLE, NO_END, SAME),
    ("arcsin", asin(X), INSIDE, NO_END, SAME), ("arccos", acos(X), INSIDE, NO_END, SAME), ("arctan", atan(X), BOTH, ALGEBRAIC, SAME),
    ("sinh", sinh(X), BOTH, EXPONENTIAL, SAME), ("cosh", cosh(X), BOTH, EXPONENTIAL, SAME), ("tanh", tanh(X), BOTH, EXPONENTIAL, SAME),
    ("arcsinh", asinh(X), BOTH, ALGEBRAIC, SAME), ("arccosh", acosh(X), ABOVE_1, ALGEBRAIC, SAME),
    ("arctanh", log((1 + X) / (1 - X)) / 2, INSIDE, NO_END, atanh(X)),
    ("sigmoid", 1 / (1 + exp(-X)), BOTH, EXPONENTIAL), ("log_sigmoid", -log(1 + exp(-X)), BOTH, EXPONENTIAL),
    ("softplus", log(1 + exp(X)), BOTH, EXPONENTIAL), ("relu", RELU, BOTH, EXPONENTIAL),
    ("erf", erf(X), BOTH, EXPONENTIAL), ("erfc", ERFC, BOTH, EXPONENTIAL),
    ("gammaln", GAMMALN, GAMMA, NO_END), ("digamma", psi(0), GAMMA, NO_END), ("polygamma_1", psi(1), GAMMA, NO_END), ("polygamma_4", psi(4), GAMMA, NO_END),
    ("cube", X**3, BOTH, ALGEBRAIC), ("inverse_square", X**-2, BOTH, ALGEBRAIC),
    ("power_1_7", X ** sympy.Rational(*single(1.7).as_integer_ratio()), GENERAL, ALGEBRAIC, SAME),
    ("power_minus_0_3", X ** sympy.Rational(*single(-0.3).as_integer_ratio()), GENERAL, ALGEBRAIC),
]


def derivatives(formula, order=3):
    return formula if isinstance(formula, list) else [lambdify(X, diff(formula, X, n), "mpmath") for n in range(order + 1)]


def at(f, x):
    """f(x); at a pole the limit from above."""
    try:
        return f(x)
    except (ZeroDivisionError, ValueError):
        return f(x + mpmath.mpf(10) ** -1000)


def real_rows():
    special = {"gammaln", "digamma", "polygamma_1", "polygamma_4", "erf", "erfc"}
    for name, formula, points, end, *_ in REAL:
        fs = derivatives(formula)
        print("FUNCTION(%s)" % name)
        for x in points:
            if math.isinf(x) and end is None:
                continue
            mp.dps = 60 if name in special else DIGITS
            mp.dps = 5100 if math.isinf(x) and end == ALGEBRAIC else mp.dps
            z = math.copysign(1, x) * end if math.isinf(x) else mpmath.mpf(x)
            values = [at(f, z) for f in fs]
            values = [v if mpmath.im(v) == 0 else None for v in values]
            if math.isinf(x):
                values = [mpmath.sign(v) * mpmath.inf if abs(v) > 100 else v for v in values]
            if name == "cbrt" and x == 0:
                values[2:] = [None, None]
            print("AT(%s, %s)" % (number(mpmath.mpf(x)) if x == x else "NAN", ", ".join(number(v) for v in values)))
        print("END")


# ---- of one complex number ----

def complex_points():
    sizes = [1e-300, 1e-30, 1e-10, 1e-3, 0.3, 0.75, 1, 1.5, 3, 9, 20, 100, 1e6, 1e20, 1e100]
    directions = [(1, 1e-9), (-1, -1e-9), (0.6, 0.8), (-0.6, -0.8), (1e-9, 1)]
    near = [(1 + 1e-8, 1e-9), (1 - 1e-8, -1e-9), (-1 - 1e-8, 1e-9), (1e-9, 1 + 1e-8), (1e-9, 1 - 1e-8), (-1e-9, -1 - 1e-8), (1.5707963, 1e-5), (1e-5, 1.5707963),
            (2, 1e-300), (2, -1e-300), (-2, 1e-300), (1e-300, 2), (1e-300, -2), (-1e-300, 2), (30, 0.5), (-30, 0.5), (0.5, 30), (0.5, -30)]
    return [(single(a * r), single(b * r)) for r in sizes for a, b in directions] + [(single(a), single(b)) for a, b in near] + [(0.1, 30.3), (350, 1), (1, 350)]


CIRCULAR = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "exp2", "expm1"}
COMPLEX = [(row[0], row[1] if row[4] is SAME else row[4]) for row in REAL if len(row) > 4]


def complex_rows():
    mp.dps = DIGITS
    for name, formula in COMPLEX:
        fs = derivatives(formula)
        print("COMPLEX_FUNCTION(%s)" % name)
        for a, b in complex_points():
            if name in CIRCULAR and max(abs(a), abs(b)) > 1e6:
                continue
            values = [at(f, mpmath.mpc(a, b)) for f in fs]
            parts = [number(part) for v in values for part in ((mpmath.re(v), mpmath.im(v)) if v is not None else (None, None))]
            print("AT(%r, %r, %s)" % (a, b, ", ".join(parts)))
        print("END")


# ---- of two real numbers: the value, d/da, d/db, d2/da2, d2/dadb, d2/db2, and the four of order 3 ----

ORDERS = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)]
PLANE = [(1, 1), (3, 4), (-3, 4), (3, -4), (1, 1e-10), (1e-10, 1), (1e-3, -1), (1e10, 1), (1, -1e10), (1e100, 1), (3e100, 4e100), (1e150, -1e150), (3e200, 4e200),
         (1e-100, 1), (3e-100, 4e-100), (3e-30, 4e-30), (1e-200, 3e-200), (1e30, 2e30), (1e38, 1e38), (1e300, 1e290), (0.3, 0.3)]
OFFSETS = [(0, 0), (1, 2), (-40, 0), (0, -40), (0, 30), (100, 60), (-700, 0), (1000, 960), (1e6, 1e6 + 1), (-1e6, -1e6 + 0.5), (1e10, 1e10), (700, -40), (88, 0), (0, 104)]
POWERS = [(2, 3), (0.5, 0.5), (3, -2), (1e-10, 0.1), (1e-300, 0.1), (1e300, 0.1), (1e100, 3), (1e-100, 3), (1.0000001, 1e6), (0.01, 150), (2, 1000), (10, -20), (1e-30, 1),
          (7, 1), (7, 1.00000001), (1e-5, 2), (1e-20, 1e-5), (1e30, 1e-10), (0.999, -1000), (1, 5), (1, 0), (5, 0), (1e-310, 0.001), (1e-200, 2), (1e200, 2)]
BINARY = [("hypot", sqrt(A**2 + B**2), PLANE), ("arctan2", atan(A / B), [(a, b) for a, b in PLANE if abs(a) != abs(b)]), ("div", A / B, PLANE), ("logaddexp", log(exp(A) + exp(B)), OFFSETS), ("pow", A**B, POWERS)]


def two_rows():
    mp.dps = DIGITS
    for name, formula, points in BINARY:
        fs = [lambdify((A, B), diff(formula, *([A] * i + [B] * j)) if i + j else formula, "mpmath") for i, j in ORDERS]
        if name == "arctan2":
            fs[0] = mpmath.atan2
        print("FUNCTION_OF_TWO(%s)" % name)
        for a, b in points:
            a, b = single(a), single(b)
            values = [f(mpmath.mpf(a), mpmath.mpf(b)) for f in fs]
            print("AT(%r, %r, %s)" % (a, b, ", ".join(number(v) for v in values)))
        print("END")


# ---- of rows of three: logsumexp and its derivatives in all elements; those of softmax and log_softmax follow from them ----

ROWS = [(0, 0, 0), (1, 2, 3), (-40, 0, -50), (40, 0, 0), (40, 39, 0), (0, 30, -5), (100, 60, 101), (-700, 0, 1), (1000, 960, 999), (1e6, 1e6 + 2, 1e6 + 0.5), (-1e4, 0, 3), (0, -37, -36),
        (88, 0, -10), (1e15, 1e15, 1e15 - 40)]


def three_rows():
    mp.dps = DIGITS
    formula = log(exp(A) + exp(B) + exp(C))
    wrt = (A, B, C)
    fs = [formula] + [diff(formula, p) for p in wrt] + [diff(formula, p, q) for i, p in enumerate(wrt) for q in wrt[i:]] + [
        diff(formula, p, q, r) for i, p in enumerate(wrt) for j, q in enumerate(wrt) if j >= i for r in wrt[j:]]
    fs = [lambdify(wrt, f, "mpmath") for f in fs]
    print("FUNCTION_OF_ROWS(logsumexp)")
    for row in ROWS:
        row = [single(x) for x in row]
        values = [f(*map(mpmath.mpf, row)) for f in fs]
        logs = [mpmath.mpf(x) - values[0] for x in row]
        rest = [1 - w for w in values[1:4]]
        print("AT(%s, %s)" % (", ".join(map(repr, row)), ", ".join(number(v) for v in values + logs + rest)))
    print("END")


print("/* Written by slopes.py. FUNCTION: x, the value, derivatives of orders 1 to 3; the others as slopes.py says. */")
real_rows()
two_rows()
three_rows()
complex_rows()
