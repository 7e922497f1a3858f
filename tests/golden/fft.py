"""Writes fft.npz: transforms of fixed numbers by NumPy and SciPy, for fft_test.c.

    pip install numpy scipy && python3 tests/golden/fft.py tests/golden/fft.npz

The operands are computed here and there by the same formula in integers. What is transformed along one axis is computed in long double and rounded once.
Of long transforms every 997th number is kept."""
import sys

import numpy as np
import scipy.fft

LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 21, 30, 64, 97, 101, 127, 128, 143, 360, 1000, 1001]
LONG_LENGTHS = [2187, 7919, 2 * 7919, 2**15, 100000, 101 * 103, 2**18]
STEP = 997


def numbers(count, first=0):
    """The `count` numbers from the first on, between -1/2 and 1/2, with 32 bits each."""
    h = np.arange(first, first + count, dtype=np.uint64) * np.uint64(2654435761) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    h = h * np.uint64(2246822519) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    return h / 2.0**32 - 0.5


def pairs(count):
    return numbers(count) + 1j * numbers(count, 1000003)


def one_axis(golden):
    for n in LENGTHS + LONG_LENGTHS:
        x, z = numbers(n).astype(np.longdouble), pairs(n).astype(np.clongdouble)
        half = pairs(n // 2 + 1).astype(np.clongdouble)
        step = STEP if n in LONG_LENGTHS else 1
        for name, y in [("fft", np.fft.fft(z)), ("ifft", np.fft.ifft(z)), ("full", np.fft.fft(x)), ("rfft", np.fft.rfft(x)), ("irfft", np.fft.irfft(half, n)),
                        ("dct", scipy.fft.dct(x)), ("dct3", scipy.fft.dct(x, type=3))]:
            assert y.dtype in (np.longdouble, np.clongdouble)
            golden[f"{name}_{n}"] = y[::step].astype(np.complex128 if np.iscomplexobj(y) else np.float64)


def options(golden):
    f, s = np.fft, scipy.fft
    x, z = numbers(60).reshape(3, 4, 5), pairs(60).reshape(3, 4, 5)
    for norm in ["backward", "ortho", "forward"]:
        golden["fft_" + norm], golden["ifft_" + norm] = f.fft(z, axis=1, norm=norm), f.ifft(z, n=7, axis=0, norm=norm)
        golden["rfft_" + norm], golden["irfft_" + norm] = f.rfft(x, n=3, norm=norm), f.irfft(z, n=7, axis=1, norm=norm)
        golden["hfft_" + norm], golden["ihfft_" + norm] = f.hfft(z, n=5, axis=0, norm=norm), f.ihfft(x, n=6, axis=-2, norm=norm)
        golden["fftn_" + norm], golden["ifft2_" + norm] = f.fftn(z, norm=norm), f.ifft2(x, s=(3, 6), norm=norm)
        golden["rfftn_" + norm], golden["irfftn_" + norm] = f.rfftn(x, norm=norm), f.irfftn(z, norm=norm)
        for kind in [2, 3]:
            golden[f"dct{kind}_" + norm] = s.dct(x, type=kind, axis=1, norm=norm)
            golden[f"idct{kind}_" + norm] = s.idct(x, type=kind, n=6, axis=0, norm=norm)
    golden["fft2"], golden["ifftn"] = f.fft2(x), f.ifftn(z, axes=(0, 2))
    golden["fftn_twice"] = f.fftn(z, s=(2, 6, 3), axes=(1, 1, 0))
    golden["fftn_lengths"] = f.fftn(z, s=(-1, 7), axes=(-2, -1))
    golden["rfft2"], golden["irfft2"] = f.rfft2(x, s=(5, 4)), f.irfft2(z)
    golden["rfftn_axes"], golden["irfftn_axes"] = f.rfftn(x, s=(4, 2), axes=(2, 0)), f.irfftn(z, s=(4, 7), axes=(0, 1))
    golden["hfft"], golden["irfft"] = f.hfft(x), f.irfft(x)
    golden["fftfreq_8"], golden["fftfreq_9"] = f.fftfreq(8, 0.1), f.fftfreq(9)
    golden["rfftfreq_8"], golden["rfftfreq_9"] = f.rfftfreq(8), f.rfftfreq(9, 0.25)
    golden["fftshift"], golden["ifftshift"] = f.fftshift(x), f.ifftshift(x, axes=(0, -1))
    golden["fftshift_twice"] = f.fftshift(x, axes=(1, 2, 1))
    golden["fftshift_one"] = f.fftshift(z, axes=2)


def main():
    golden = {}
    one_axis(golden)
    options(golden)
    np.savez_compressed(sys.argv[1], **golden)


main()
