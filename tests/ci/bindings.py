"""What examples/bindings/libad.py can do, checked."""
import gc
import sys
import threading

import libad as ad

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
        usage = (ad.c.c_int64 * 5)()
        ad.lib.ad_memory_stats(usage)
        return usage[0]

    def work():
        ad.grad(lambda x: ad.sum(ad.sin(x) @ x))(ad.ones([100, 100]))

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
    x.__dlpack__(), x.__dlpack__(max_version=(1, 0))  # nobody takes them


for number, function in enumerate(tests, 1):
    function()
    print(f"ok {number} - {function.__name__}")
print(f"1..{len(tests)}")
sys.stdout.flush()
