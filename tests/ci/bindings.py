"""What examples/bindings/libad can do, checked."""
import copy
import ctypes
import gc
import pickle
import sys
import threading

import libad as ad
import libad.c

tests = []


def test(function):
    tests.append(function)
    return function


def refused(kind, words, function):
    try:
        function()
    except kind as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError(f"no error: {words}")


x = ad.array([[1.0, 2.0], [3.0, 4.0]])


@test
def functions_take_operands_and_named_options():
    assert (x.shape, x.dtype, ad.ndim(x), ad.size(x)) == ((2, 2), "float64", 2, 4)
    assert ad.to_list(ad.sum(x, axis=0)) == [4, 6]
    assert ad.to_list(ad.sum(x, axes=[0, 1], keepdims=True)) == [[10]]
    assert ad.to_list(2 * x - 1) == [[1, 3], [5, 7]] and ad.to_list(x @ x) == [[7, 10], [15, 22]] and ad.to_list(x**2 / 2) == [[0.5, 2], [4.5, 8]]
    assert ad.to_list(x[::-1, 1]) == [4, 2] and ad.to_list(x[..., 0]) == [1, 3]
    assert ad.to_list(ad.reshape(x, shape=[4], order="F")) == [1, 3, 2, 4]
    assert ad.to_list(ad.concatenate([x, x], axis=1)) == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert ad.to_list(ad.einsum("ij,jk->ik", x, x)) == ad.to_list(x @ x) and ad.to_list(ad.arange(2, 5)) == [2, 3, 4]
    assert ad.zeros([2], dtype="float32").dtype == "float32" and ad.arange(2, 5).dtype == "int64"
    assert list(ad.linalg_eigh(x)) == ["eigenvalues", "eigenvectors"]
    assert ad.to_list(ad.random_normal(ad.random_key(3), [2])) == ad.to_list(ad.random_normal(ad.random_key(3), [2]))
    assert repr(x) == "[[1. 2.]\n [3. 4.]]"
    assert "ad_sum_with" in ad.prototypes() and len(ad.prototypes()) > 400


@test
def arrays_are_what_numpy_users_expect():
    assert (x > 2).tolist() == [[False, False], [True, True]] and (x == x).all().item() and (x != 2).tolist() == [[True, False], [True, True]]
    assert ((x > 1) & ~(x > 3)).tolist() == [[False, True], [True, False]] and x[x > 2].tolist() == [3, 4] and not x == None  # noqa: E711
    assert x[[1, 0], [0, 1]].tolist() == [3, 2] and x[None, :, 0].shape == (1, 2) and x[ad.array([1]), 1:].tolist() == [[4]] and x[[]].shape == (0, 2)
    assert (abs(-x) // 2).tolist() == [[0, 1], [1, 2]] and ([1.0, 2.0] * x).tolist() == [[1, 4], [3, 8]] and (1 - x).T.tolist() == [[0, -2], [-1, -3]]
    assert x.sum(axis=(0, 1)).item() == x.reshape(2, 2).sum().item() == ad.sum(x, 0).sum().item() == 10 and ad.zeros(2, "float32").dtype == "float32"
    assert [float(v) for row in x for v in row] == [1, 2, 3, 4] and len(x) == 2 and int(x[0, 0]) == 1 and [5, 6, 7][ad.array(2)] == 7
    assert x.at[0].set(9.0).tolist() == [[9, 9], [3, 4]] and x.at[x > 2].add(1.0).tolist() == [[1, 2], [4, 5]]
    assert [ad.array(v).dtype for v in (3, True, 1.5, [1, 2j], [])] == ["int64", "bool", "float64", "complex128", "float64"]
    assert ad.array([1 + 2j]).tolist() == [1 + 2j] and ad.array([[1], [2]], "uint8").tolist() == [[1], [2]] and ad.array([x, x]).shape == (2, 2, 2)
    assert ad.linalg.inv(x).shape == (2, 2) and ad.fft.fft(x).dtype == "complex128"
    assert copy.copy(x) is x and copy.deepcopy(x) is x and pickle.loads(pickle.dumps(x)).tolist() == x.tolist()
    assert pickle.loads(pickle.dumps(ad.zeros([0, 3]))).shape == (0, 3)
    refused(ValueError, "different lengths", lambda: ad.array([[1, 2], [3]]))
    refused(OverflowError, "64 bits", lambda: x + 2**70)
    refused(OverflowError, "uint8", lambda: ad.array([300], "uint8"))
    refused(ValueError, "has 4 elements", lambda: bool(x))
    refused(TypeError, "do not change", lambda: x.__setitem__(0, 1))
    refused(IndexError, "out of bounds", lambda: x[5])
    refused(TypeError, "libad has no dtype float16", lambda: ad.array([1.0], "float16"))
    refused(ad.Error, "the list of arrays is empty", lambda: ad.concatenate([]))


@test
def python_functions_are_differentiated():
    cube = lambda x: ad.sum(x**3)
    assert ad.to_list(ad.grad(cube)(x)) == [[3, 12], [27, 48]]
    assert ad.to_list(ad.grad(lambda x: ad.sum(ad.grad(cube)(x)))(x)) == [[6, 12], [18, 24]]
    assert ad.to_list(ad.hvp(cube)(x, ad.ones_like(x))) == [[6, 12], [18, 24]]
    assert ad.to_list(ad.hessian(cube)(ad.array([1.0, 2.0]))) == [[6, 0], [0, 12]]
    assert ad.to_list(ad.jacobian(lambda x: x**2)(ad.array([1.0, 2.0]))) == [[2, 0], [0, 4]]
    value, gradient = ad.value_and_grad(lambda x, y: ad.sum(x * y), 1)(x, 2 * x)
    assert float(value) == 60 and ad.to_list(gradient) == ad.to_list(x)
    assert ad.to_list(ad.grad(lambda x: cube(ad.checkpoint(lambda y: y * 2)(x)))(x)) == [[24, 96], [216, 384]]
    gradient = ad.grad(lambda p: ad.sum(p["w"] * p["b"][0]))({"w": 2.0, "b": [ad.array(3.0)]})
    assert float(gradient["w"]) == 3 and float(gradient["b"][0]) == 2
    scale = 5.0
    assert float(ad.grad(lambda x: x * scale)(2.0)) == 5
    assert ad.grad(lambda x, k, name, n=1: ad.sum(x**k) * n, 0)(x, 2, "a", n=2).tolist() == [[4, 8], [12, 16]]  # what is no array is closed over
    value, tangent = ad.jvp(lambda x, y: x * y, x, x, ad.ones_like(x))
    assert value.tolist() == [[1, 4], [9, 16]] and tangent.tolist() == x.tolist()
    assert "ad_tanh(v0)" in ad.trace_text(ad.tanh, x) and "digraph" in ad.trace_text(ad.tanh, x, dot=True)
    assert ad.check_grads(lambda x: ad.sum(ad.tanh(x)), x)
    refused(TypeError, "gives an array, not nothing", lambda: ad.grad(lambda x: None)(x))
    refused(TypeError, "an argument that is an array", lambda: ad.jacobian(lambda x: x)("a"))
    refused(ad.Error, "ad_zeros: shape (-1,)", lambda: ad.zeros(-1))  # nothing was left of the error before


@test
def pullbacks_keep_what_their_sweeps_call():
    def root(a):
        return ad.fixed_point(lambda y, a: (y + a / y) / 2, ad.ones([]), a)

    value, pull = ad.vjp(root, 4.0)
    gc.collect()
    assert abs(value.item() - 2) < 1e-12 and abs(pull(1.0).item() - 0.25) < 1e-12 and abs(pull(2.0).item() - 0.5) < 1e-12
    assert ad.vjp(lambda y: y**3, x)[1]([[1.0, 0.0], [0.0, 0.0]]).tolist() == [[3, 0], [0, 0]]


@test
def errors_are_exceptions_and_exceptions_pass_through():
    refused(ad.Error, "ad_sum: there is no option axs; there are axis, axes", lambda: ad.sum(x, axs=0))
    refused(AttributeError, "no function ad_summ", lambda: ad.summ(x))
    refused(ad.Error, "ad_matmul", lambda: x @ ad.ones([3]))
    refused(ad.Error, "not a scalar", lambda: ad.grad(lambda x: x)(x))
    refused(ZeroDivisionError, "", lambda: ad.grad(lambda x: 1 / 0)(x))
    refused(KeyError, "w", lambda: ad.grad(lambda x: ad.grad(lambda p: p["w"])({"v": x})["v"])(x))

    def forgiving(x):
        try:
            ad.grad(lambda y: y @ ad.ones([7]))(x)
        except ad.Error:
            return ad.sum(x)

    assert ad.to_list(ad.grad(forgiving)(x)) == [[1, 1], [1, 1]]


@test
def memory_is_given_back():
    def live():
        gc.collect()
        usage = (ctypes.c_int64 * 5)()
        libad.c.library.ad_memory_stats(usage)
        return usage[0]

    def work():
        ad.grad(lambda x: ad.sum(ad.sin(x) @ x))(ad.ones([100, 100]))
        ad.vjp(lambda x: x * 2, ad.ones([100, 100]))[1](ad.ones([100, 100]))
        refused(ZeroDivisionError, "", lambda: ad.grad(lambda x: 1 / 0)(ad.ones([100, 100])))
        refused(ValueError, "align", lambda: ad.ones([100, 100]) @ ad.ones(3))

    work()
    before = live()
    for _ in range(20):
        work()
    assert live() == before, (before, live())


@test
def threads_work_at_once():
    results = []

    def work(n):
        for _ in range(20):
            results.append(ad.to_list(ad.grad(lambda y: ad.sum(n * y * x))(x)) == [[n, 2 * n], [3 * n, 4 * n]])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80 and all(results)


@test
def numpy_shares_memory():
    try:
        import numpy
    except ImportError:
        return print("# no NumPy here")
    y = numpy.from_dlpack(x)
    assert y.tolist() == ad.to_list(x) and not y.flags.writeable
    for dtype in "bool", "uint8", "int32", "int64", "float32", "float64", "complex64", "complex128":
        a = numpy.arange(6).reshape(2, 3).astype(dtype).T[::-1]
        b = numpy.from_dlpack(ad.from_dlpack(a))
        assert b.dtype == a.dtype and (b == a).all() and b.__array_interface__["data"] == (a.__array_interface__["data"][0], True)
    refused(ad.Error, "16 bits", lambda: ad.from_dlpack(numpy.zeros(3, "float16")))
    a = numpy.array([[1.0, 0.0], [0.0, 1.0]])
    for sum in x + a, a + x, x + a.astype(">f8"), x + numpy.asfortranarray(a), x + ad.array(a):
        assert isinstance(sum, ad.Array) and sum.tolist() == [[2, 2], [3, 5]]
    assert (x * numpy.float32(2)).tolist() == (numpy.int64(2) * x).tolist() == [[2, 4], [6, 8]] and x[numpy.array([1])].tolist() == [[3, 4]]
    taken, shared = ad.array(a), ad.from_dlpack(a[::-1])
    a[0, 0] = 7
    assert taken.tolist() == [[1, 0], [0, 1]] and isinstance(numpy.asarray(x), numpy.ndarray) and numpy.asarray(x).sum() == 10
    del a
    gc.collect()
    assert shared.tolist() == [[0, 1], [7, 0]]
    assert ad.grad(lambda x: numpy.sum(x * x))(x).tolist() == [[2, 4], [6, 8]]  # which calls x.sum
    refused(TypeError, "the derivative be lost", lambda: ad.grad(lambda x: numpy.cos(numpy.asarray(x)))(1.0))
    assert ad.zeros([2], dtype=numpy.float32).dtype == ad.zeros([2], dtype=numpy.dtype("float32")).dtype == "float32"
    assert numpy.from_dlpack(x, copy=True).flags.writeable if numpy.__version__ >= "2.1" else True
    x.__dlpack__(), x.__dlpack__(max_version=(1, 0))  # nobody takes them


for number, function in enumerate(tests, 1):
    function()
    print(f"ok {number} - {function.__name__}")
print(f"1..{len(tests)}")
sys.stdout.flush()
