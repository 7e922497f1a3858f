"""libad in Python, by ctypes alone: every function by its name, derivatives of Python functions, and arrays that NumPy shares.

    import libad as ad
    x = ad.array([[1.0, 2.0], [3.0, 4.0]])
    ad.sum(x, axis=0), ad.linalg.inv(x)       # any function of libad, with its options by name
    x.sum(axis=0), x[x > 2], x + numpy.ones(2)
    ad.grad(lambda x: ad.sum(x ** 3))(x)      # of Python functions, nested as they come
    numpy.asarray(x), ad.array(a)             # a copy of what may change; numpy.from_dlpack and ad.from_dlpack make none

The whole of it stands on ad_call_named, tagged values and contexts; docs/bindings.md says why each part is as it is. LIBAD in the
environment names the library's file.
"""
from libad.arrays import Array, Error, Key, array, call, from_dlpack, function, prototypes, to_list
from libad.functions import check_grads, checkpoint, deriv, elementwise_grad, fixed_point, grad, hessian, hvp, jacobian, jvp
from libad.functions import print_trace, trace_text, value_and_grad, vjp


def __getattr__(name):
    """ad.sum is ad_sum, ad.linalg the functions whose names begin with ad_linalg_."""
    return function(name)
