"""libad in Python, by ctypes alone: every function by its name, derivatives of Python functions, and arrays that NumPy shares.

    import libad as ad
    x = ad.array([[1.0, 2.0], [3.0, 4.0]])
    ad.sum(x, axis=0)                         # any function of libad, with its options by name
    ad.grad(lambda x: ad.sum(x ** 3))(x)      # of Python functions, nested as they come
    numpy.from_dlpack(x), ad.from_dlpack(a)   # without a copy

The whole of it stands on ad_call_named, tagged values and contexts; docs/bindings.md says why each part is as it is. LIBAD names the library's file.
"""
import ctypes as c
import ctypes.util
import functools
import os
import threading

lib = c.CDLL(os.environ.get("LIBAD") or ctypes.util.find_library("ad"))
NONE, ARRAY, TREE, FUNCTION, POINTER, BOOL, INTEGER, REAL, COMPLEX, DTYPE, TEXT, KEY, INTEGERS, INDICES, LIST = range(15)
USER = 12  # AD_ERROR_USER
DTYPES = ["float64", "float32", "complex128", "complex64", "int64", "int32", "uint8", "bool"]
NUMBERS = [c.c_double, c.c_float, None, None, c.c_int64, c.c_int32, c.c_uint8, c.c_bool]


class Scope(c.Structure):
    _fields_ = [("depth", c.c_uint32)]


class Key(c.Structure):
    _fields_ = [("hi", c.c_uint64), ("lo", c.c_uint64)]


class Value(c.Union):
    _fields_ = [("pointer", c.c_void_p), ("integer", c.c_int64), ("real", c.c_double), ("parts", c.c_double * 2), ("text", c.c_char_p), ("key", Key)]


class Tagged(c.Structure):
    _anonymous_ = ["value"]
    _fields_ = [("kind", c.c_int), ("count", c.c_int), ("value", Value)]


class Named(c.Structure):
    _fields_ = [("name", c.c_char_p), ("value", Tagged)]


class Prototype(c.Structure):  # the head of an ad_prototype
    _fields_ = [("name", c.c_char_p), ("text", c.c_char_p)]


def declare(result, name, *parameters):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, parameters
    return function


scope_open, scope_close = declare(Scope, "ad_scope_open"), declare(None, "ad_scope_close", Scope)
call_named = declare(Tagged, "ad_call_named", c.c_char_p, c.POINTER(Tagged), c.c_int, c.POINTER(Named), c.c_int)
call_tagged = declare(Tagged, "ad_call_tagged", c.c_void_p, c.POINTER(Tagged), c.c_int)
value_and_grad_tagged = declare(Tagged, "ad_value_and_grad_tagged", c.c_void_p, c.c_int, c.POINTER(Tagged), c.c_int, c.POINTER(Tagged))
function_of = declare(c.c_void_p, "ad_function_of", c.c_void_p, c.c_char_p)
retain, release = declare(c.c_void_p, "ad_retain", c.c_void_p), declare(None, "ad_release", c.c_void_p)
hold = declare(c.c_void_p, "ad_asarray", c.c_void_p)  # gives its operand, which then belongs to the innermost scope too
failed, clear_error = declare(c.c_bool, "ad_failed"), declare(None, "ad_clear_error")
error_message, tostring = declare(c.c_char_p, "ad_error_message"), declare(c.c_void_p, "ad_tostring", c.c_void_p)
free = c.CDLL(None).free
free.argtypes = [c.c_void_p]
tree_count, tree_name = declare(c.c_int, "ad_tree_count", c.c_void_p), declare(c.c_char_p, "ad_tree_name", c.c_void_p, c.c_int)
tree_array, tree_tree = (declare(c.c_void_p, name, c.c_void_p, c.c_int) for name in ("ad_tree_array_at", "ad_tree_tree_at"))
prototype_at, prototype_count = declare(c.POINTER(Prototype), "ad_prototype_at", c.c_int), declare(c.c_int, "ad_prototype_count")


class Error(Exception):
    """What libad says went wrong."""


class Array:
    """An array of libad. It holds a reference, which may be given back in any thread."""

    def __init__(self, pointer):
        self.pointer = retain(pointer)

    def __del__(self):
        release(self.pointer)

    shape = property(lambda self: call("ad_shape_of", self))
    dtype = property(lambda self: call("ad_dtype_of", self))

    def __repr__(self):
        characters = tostring(self.pointer)
        check()
        text = c.string_at(characters).decode()
        free(characters)
        return text

    def __float__(self):
        return call("ad_item", self)

    def __getitem__(self, index):
        parts = index if isinstance(index, tuple) else (index,)
        return call("ad_at", self, ", ".join(map(index_text, parts)))

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, stream=None, max_version=None, dl_device=None, copy=None):
        versioned = max_version is not None and max_version[0] >= 1
        return capsule(call("ad_to_dlpack" if versioned else "ad_to_dlpack_managed", self), versioned)


def index_text(part):
    if isinstance(part, slice):
        return ":".join("" if i is None else str(i) for i in (part.start, part.stop, part.step if part.step is not None else 1))
    return "..." if part is Ellipsis else str(part)


for name, function in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow", "matmul": "matmul", "mod": "mod"}.items():
    setattr(Array, f"__{name}__", lambda a, b, f="ad_" + function: call(f, a, b))
    setattr(Array, f"__r{name}__", lambda a, b, f="ad_" + function: call(f, b, a))
Array.__neg__ = lambda x: call("ad_neg", x)


# ---- tagged values ----


def tagged(x, kept):
    """x as libad takes it. What it points at is appended to `kept`, which has to last as long as the call."""
    if x is None:
        return Tagged(NONE)
    if isinstance(x, Tagged):
        return x
    if isinstance(x, (bool, int, float, complex)):
        kind = BOOL if isinstance(x, bool) else INTEGER if isinstance(x, int) else REAL if isinstance(x, float) else COMPLEX
        return Tagged(kind, 0, Value(parts=(x.real, x.imag)) if kind == COMPLEX else Value(real=x) if kind == REAL else Value(integer=x))
    if isinstance(x, Key):
        return Tagged(KEY, 0, Value(key=x))
    if isinstance(x, str):
        kept.append(x.encode())
        return Tagged(TEXT, 0, Value(text=kept[-1]))
    if isinstance(x, Array):
        kept.append(x)
        return Tagged(ARRAY, 0, Value(pointer=x.pointer))
    if isinstance(x, dict):
        x = [part for item in x.items() for part in item]
    integers = all(type(i) is int for i in x)
    items = (c.c_int64 * len(x))(*x) if integers else (Tagged * len(x))(*[tagged(i, kept) for i in x])
    kept.append(items)
    return Tagged(INTEGERS if integers else LIST, len(x), Value(pointer=c.addressof(items)))


def untagged(t):
    """The Python value. Arrays get a reference; trees become dictionaries or lists."""
    if t.kind == ARRAY:
        return Array(t.pointer)
    if t.kind == TREE:
        return tree(t.pointer)
    if t.kind in (BOOL, INTEGER, REAL, POINTER):
        return bool(t.integer) if t.kind == BOOL else t.integer if t.kind == INTEGER else t.real if t.kind == REAL else t.pointer
    if t.kind == INTEGERS:
        return tuple(c.cast(t.pointer, c.POINTER(c.c_int64))[: t.count])
    other = {DTYPE: lambda: DTYPES[t.integer], TEXT: lambda: t.text.decode(), KEY: lambda: t.key, COMPLEX: lambda: complex(*t.parts), NONE: lambda: None}
    return other.get(t.kind, lambda: t)()


def tree(pointer):
    entries = {}
    for i in range(tree_count(pointer)):
        array = tree_array(pointer, i)
        entries[tree_name(pointer, i).decode()] = Array(array) if array else tree(tree_tree(pointer, i))
    return list(entries.values()) if list(entries) == [str(i) for i in range(len(entries))] else entries


# ---- calls ----

state = threading.local()  # of a thread: the exception that a Python function was left by, and the functions of the calls that run


def check():
    if failed():
        message, exception = error_message().decode(), getattr(state, "exception", None)
        state.exception = None
        clear_error()
        raise exception or Error(message)


def in_a_scope(function):
    """Whatever libad makes in the call is dropped at its end, but for what Python holds then."""

    @functools.wraps(function)
    def run(*arguments, **options):
        scope = scope_open()
        try:
            return function(*arguments, **options)
        finally:
            scope_close(scope)

    return run


@in_a_scope
def call(name, *operands, **options):
    kept = []
    values = (Tagged * len(operands))(*[tagged(x, kept) for x in operands])
    named = (Named * len(options))(*[Named(n.encode(), tagged(x, kept)) for n, x in options.items()])
    result = call_named(name.encode(), values, len(values), named, len(named))
    check()
    return untagged(result)


@functools.lru_cache(None)
def __getattr__(name):
    if name.startswith("_") or not any(prototype.startswith("ad_" + name) for prototype in prototypes()):
        raise AttributeError(f"libad has no function ad_{name}")
    return functools.partial(call, "ad_" + name)


@functools.lru_cache(None)
def prototypes():
    """The C prototype of each function that libad exports, by its name."""
    return {p.name.decode(): p.text.decode() for p in (prototype_at(i).contents for i in range(prototype_count()))}


# ---- derivatives of Python functions ----


@functools.lru_cache(None)
def trampoline(letters):
    """The C function of all Python functions of these arguments: the last one, the context, says which is meant."""

    def run(*arguments):
        kept = []
        try:
            given = [Array(x) if letter == "a" else tree(x) for x, letter in zip(arguments, letters)]
            result = tagged(state.functions[arguments[-1] - 1](*given), kept)
            return hold(result.pointer) if result.kind == ARRAY else call_named(b"ad_asarray", c.byref(result), 1, None, 0).pointer
        except BaseException as exception:  # goes on where the call of libad ends
            state.exception = state.exception or exception
            told = (Tagged * 2)(tagged(USER, []), tagged(repr(exception), kept))
            call_named(b"ad_set_error", told, 2, None, 0)
            return None

    return c.CFUNCTYPE(c.c_void_p, *[c.c_void_p] * (len(letters) + 1))(run)


def transformation(name, added=0):
    """ad.grad and its like: functions of arrays, and of lists and dictionaries of them, that give an array."""

    def transform(f, *numbers):
        @functools.wraps(f)
        @in_a_scope
        def run(*arguments):
            outermost = not getattr(state, "functions", None)
            if outermost:
                state.functions, state.exception = [], None
            state.functions.append(f)
            try:
                return invoke(name, numbers, arguments, len(arguments) - added, len(state.functions))
            finally:
                if outermost:  # until then a sweep may call it again
                    state.functions = []

        return run

    return transform


def invoke(name, numbers, arguments, own, context):
    kept = []
    letters = "".join("t" if isinstance(x, (list, dict)) else "a" for x in arguments[:own])
    fn = function_of(c.cast(trampoline(letters), c.c_void_p), ("a(%s,p)" % ",".join(letters)).encode())
    values = [tagged(x, kept) for x in arguments]
    values.insert(own, Tagged(POINTER, 0, Value(pointer=context)))
    values = (Tagged * len(values))(*values)
    if name == "ad_value_and_grad":
        gradient = Tagged()
        value = value_and_grad_tagged(fn, *(numbers or [0]), values, len(values), c.byref(gradient))
        check()
        return untagged(value), untagged(gradient)
    arguments = [Tagged(FUNCTION, 0, Value(pointer=fn))] + [Tagged(INTEGER, 0, Value(integer=n)) for n in numbers or [0] * (name == "ad_grad")]
    transformed = call_named(name.encode(), (Tagged * len(arguments))(*arguments), len(arguments), None, 0)
    result = call_tagged(transformed.pointer, values, len(values))
    check()
    return untagged(result)


grad, value_and_grad = transformation("ad_grad"), transformation("ad_value_and_grad")
jacobian, hessian, deriv, elementwise_grad = (transformation("ad_" + name) for name in ("jacobian", "hessian", "deriv", "elementwise_grad"))
checkpoint, hvp = transformation("ad_checkpoint"), transformation("ad_hvp", added=1)

# ---- arrays from Python, and to others ----


def array(numbers, dtype="float64"):
    """An array of a number, or of lists of them."""
    shape, flat = [], [numbers]
    while flat and isinstance(flat[0], (list, tuple)):
        shape, flat = shape + [len(flat[0])], [x for part in flat for x in part]
    data = (NUMBERS[DTYPES.index(dtype)] * len(flat))(*flat)
    return call("ad_from_data", dtype, Tagged(POINTER, 0, Value(pointer=c.addressof(data))), shape)


def to_list(x):
    """The elements of a real array, in lists as deep as it has axes."""
    return [to_list(x[i]) for i in range(x.shape[0])] if x.shape else float(x)


def capsule_api(result, name, *parameters):
    function = getattr(c.pythonapi, name)
    function.restype, function.argtypes = result, parameters
    return function


capsule_new = capsule_api(c.py_object, "PyCapsule_New", c.c_void_p, c.c_char_p, c.c_void_p)
capsule_pointer = capsule_api(c.c_void_p, "PyCapsule_GetPointer", c.c_void_p, c.c_char_p)
capsule_is = capsule_api(c.c_int, "PyCapsule_IsValid", c.c_void_p, c.c_char_p)
capsule_rename = capsule_api(c.c_int, "PyCapsule_SetName", c.c_void_p, c.c_char_p)
NAMES = {False: (b"dltensor", b"used_dltensor", 56), True: (b"dltensor_versioned", b"used_dltensor_versioned", 16)}


@c.CFUNCTYPE(None, c.c_void_p)
def capsule_end(self):
    """A tensor that nobody has taken is deleted with its capsule; its deleter stands at an offset."""
    for name, _, deleter in NAMES.values():
        if capsule_is(self, name):
            tensor = capsule_pointer(self, name)
            c.CFUNCTYPE(None, c.c_void_p)(c.c_void_p.from_address(tensor + deleter).value)(tensor)


def capsule(tensor, versioned):
    return capsule_new(tensor, NAMES[versioned][0], c.cast(capsule_end, c.c_void_p))


def from_dlpack(other):
    """An array over the memory of another library's, which must not change any more."""
    try:
        given = other.__dlpack__(max_version=(1, 0))
    except TypeError:  # a library from before DLPack 1.0
        given = other.__dlpack__()
    versioned = bool(capsule_is(id(given), NAMES[True][0]))
    name, used, _ = NAMES[versioned]
    tensor = Tagged(POINTER, 0, Value(pointer=capsule_pointer(id(given), name)))
    x = call("ad_from_dlpack" if versioned else "ad_from_dlpack_managed", tensor)
    capsule_rename(id(given), used)
    return x
