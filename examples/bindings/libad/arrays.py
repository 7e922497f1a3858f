"""Arrays, values on their way to libad and back, and calls of its functions by name."""
import ctypes as c
import functools
import numbers
import operator
import threading

from libad import c as lib
from libad.c import ARRAY, BOOL, COMPLEX, DTYPE, INDICES, INTEGER, INTEGERS, KEY, LIST, NONE, POINTER, REAL, TEXT, TREE
from libad.c import DTYPES, ELEMENT, NEW, NO_INDEX, NUMBERS, PICK, REST, SLICE, Index, Key, Named, Tagged, Value


class Error(Exception):
    """What libad says went wrong. Errors of a kind that Python has are of that kind, too."""


def error_kind(*kinds):
    return type("Error", (Error, *kinds), {"__doc__": Error.__doc__})


SHAPE_ERROR, DTYPE_ERROR, INDEX_ERROR = error_kind(ValueError), error_kind(TypeError), error_kind(IndexError, ValueError)
ERRORS = {1: error_kind(MemoryError), 2: SHAPE_ERROR, 3: DTYPE_ERROR, 4: INDEX_ERROR, 5: INDEX_ERROR, 6: SHAPE_ERROR, 7: error_kind(TypeError)}
ERRORS.update({9: error_kind(OSError), 10: SHAPE_ERROR, 11: error_kind(ArithmeticError)})

# ---- arrays ----


class Array:
    """An array of libad. It holds a reference, which may be given back in any thread. Arrays do not change."""

    __slots__ = ("pointer", "__weakref__")
    __array_ufunc__ = None  # operators between arrays of NumPy's and these are these arrays' own
    __hash__ = None

    def __init__(self, pointer):
        self.pointer = lib.retain(pointer)

    def __del__(self, release=lib.release):
        lib.release(self.pointer)

    shape = property(lambda self: call("ad_shape_of", self))
    dtype = property(lambda self: call("ad_dtype_of", self))
    ndim, size = property(lambda self: call("ad_ndim", self)), property(lambda self: call("ad_size", self))
    T = property(lambda self: call("ad_transpose", self))
    at = property(lambda self: At(self))

    def __getattr__(self, name):
        """x.sum(axis=0) is ad.sum(x, axis=0)."""
        if name.startswith("_") or not takes_array("ad_" + name, 0):
            raise AttributeError(f"an array of libad has no {name}")
        return functools.partial(call, "ad_" + name, self)

    def reshape(self, *shape, **options):
        return call("ad_reshape", self, shape[0] if len(shape) == 1 else shape, **options)

    def tolist(self):
        return nested(elements(self), self.shape)

    def item(self):
        if self.size != 1:
            raise ValueError(f"an array of shape {self.shape} has {self.size} elements, not one")
        return elements(self)[0]

    def __repr__(self):
        characters = lib.tostring(self.pointer)
        check()
        text = c.string_at(characters).decode()
        lib.free(characters)
        return text

    __float__, __int__ = lambda self: float(self.item()), lambda self: int(self.item())
    __complex__, __bool__ = lambda self: complex(self.item()), lambda self: bool(self.item())
    __index__ = lambda self: operator.index(self.item())
    __copy__, __deepcopy__ = lambda self: self, lambda self, memo: self

    def __reduce__(self):
        return from_bytes, (self.dtype, self.shape, raw(self))

    def __len__(self):
        if not self.ndim:
            raise TypeError("an array of no axes has no length")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        kept = []
        return call("ad_at", self, index_of(index, kept))

    def __setitem__(self, index, value):
        raise TypeError("arrays do not change; x.at[index].set(value) gives another one")

    def __array__(self, dtype=None, copy=None):
        if call("ad_is_traced", self):
            raise TypeError("NumPy would compute with values alone, and the derivative be lost; numpy.from_dlpack(x) takes them")
        import numpy

        return numpy.array(numpy.from_dlpack(self), dtype=dtype, copy=True)

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, stream=None, max_version=None, dl_device=None, copy=None):
        if dl_device not in (None, (1, 0)):
            raise BufferError(f"an array of libad is in main memory, not on device {dl_device}")
        versioned = max_version is not None and max_version[0] >= 1
        tensor = call("ad_to_dlpack" if versioned else "ad_to_dlpack_managed", call("ad_copy", self) if copy else self)
        if versioned and copy:
            c.c_uint64.from_address(tensor + FLAGS).value = IS_COPIED  # and not read-only: nobody else has it
        return capsule(tensor, versioned)


class At:
    """x.at[index].set(value): x with other elements there; add, mul, min and max likewise."""

    def __init__(self, x):
        self.x = x

    def __getitem__(self, index):
        def update(name):
            kept = []
            return lambda value: call(name, self.x, value, index_of(index, kept))

        made = At(self.x)
        for name in ("set", "add", "mul", "min", "max"):
            setattr(made, name, update("ad_at_" + name))
        return made


def operand(x):
    return isinstance(x, (Array, numbers.Number, list, tuple)) or hasattr(x, "__dlpack__") or hasattr(x, "item")


def binary(name, masks=False):
    def apply(a, b):
        if not operand(b) or not operand(a) or (masks and "bool" not in (getattr(a, "dtype", None), getattr(b, "dtype", None))):
            return NotImplemented
        return call("ad_" + name, a, b)

    return apply, lambda a, b: apply(b, a)


def define_operators():
    arithmetic = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "mod", "pow": "pow", "matmul": "matmul"}
    comparisons = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}
    masks = {"and": "logical_and", "or": "logical_or", "xor": "logical_xor"}
    for python, function in {**arithmetic, **comparisons, **masks}.items():
        forwards, backwards = binary(function, python in masks)
        setattr(Array, f"__{python}__", forwards)
        if python not in comparisons:
            setattr(Array, f"__r{python}__", backwards)


define_operators()
Array.__neg__, Array.__pos__, Array.__abs__ = lambda x: call("ad_neg", x), lambda x: x, lambda x: call("ad_abs", x)
Array.__invert__ = lambda x: call("ad_logical_not", x) if x.dtype == "bool" else NotImplemented


def index_of(index, kept):
    """An index of NumPy's: integers, slices, None, ..., arrays and lists of integers or bools."""
    parts = index if isinstance(index, tuple) else (index,)
    entries = (Index * len(parts))()
    kept.append(entries)
    for entry, part in zip(entries, parts):
        if part is None or part is Ellipsis:
            entry.kind = NEW if part is None else REST
        elif isinstance(part, slice):
            ends = (NO_INDEX if i is None else operator.index(i) for i in (part.start, part.stop))
            entry.kind, (entry.start, entry.stop), entry.step = SLICE, ends, 1 if part.step is None else operator.index(part.step)
        elif isinstance(part, numbers.Integral) and not isinstance(part, bool):
            entry.kind, entry.start = ELEMENT, in_range(part)
        else:
            kept.append(array(part, "int64") if isinstance(part, list) and not part else part if isinstance(part, Array) else array(part))
            entry.kind, entry.array = PICK, kept[-1].pointer
    return Tagged(INDICES, len(parts), Value(pointer=c.addressof(entries)))


# ---- tagged values ----


def in_range(integer):
    if not -(2**63) <= integer < 2**63:
        raise OverflowError(f"{integer} does not fit in 64 bits")
    return int(integer)


def dtype_name(dtype):
    """Of a type of Python's or NumPy's, or a dtype of NumPy's."""
    return {bool: "bool", int: "int64", float: "float64", complex: "complex128"}.get(dtype) or getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)


def tagged(x, kept, tree=False):
    """x as libad takes it. What it points at is appended to `kept`, which has to last as long as the call. tree: integers are leaves, not a shape."""
    if x is None:
        return Tagged(NONE)
    if isinstance(x, Tagged):
        return x
    if isinstance(x, Array):
        kept.append(x)
        return Tagged(ARRAY, 0, Value(pointer=x.pointer))
    if isinstance(x, Key):
        return Tagged(KEY, 0, Value(key=x))
    if isinstance(x, bool):
        return Tagged(BOOL, 0, Value(integer=x))
    if isinstance(x, numbers.Integral):
        return Tagged(INTEGER, 0, Value(integer=in_range(x)))
    if isinstance(x, numbers.Real):
        return Tagged(REAL, 0, Value(real=float(x)))
    if isinstance(x, numbers.Complex):
        return Tagged(COMPLEX, 0, Value(parts=(x.real, x.imag)))
    if isinstance(x, type) or (hasattr(x, "itemsize") and hasattr(x, "name")):
        x = dtype_name(x)
    if isinstance(x, str):
        kept.append(x.encode())
        return Tagged(TEXT, 0, Value(text=kept[-1]))
    if isinstance(x, (dict, list, tuple)):
        return tagged_list([part for item in x.items() for part in item] if isinstance(x, dict) else x, kept, tree)
    if hasattr(x, "__dlpack__"):
        return tagged(array(x), kept)
    if hasattr(x, "item"):  # a bool of NumPy's
        return tagged(x.item(), kept)
    raise TypeError(f"libad takes no {type(x).__name__}")


def tagged_list(x, kept, tree):
    integers = not tree and all(isinstance(i, numbers.Integral) and not isinstance(i, bool) for i in x)
    items = (c.c_int64 * len(x))(*map(in_range, x)) if integers else (Tagged * len(x))(*[tagged(i, kept, tree) for i in x])
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
    for i in range(lib.tree_count(pointer)):
        array = lib.tree_array(pointer, i)
        entries[lib.tree_name(pointer, i).decode()] = Array(array) if array else tree(lib.tree_tree(pointer, i))
    return list(entries.values()) if list(entries) == [str(i) for i in range(len(entries))] else entries


# ---- calls ----

state = threading.local()  # of a thread: the exception that a Python function was left by, the calls that run, pullbacks to be freed


def check():
    if lib.failed():
        code, message, exception = lib.error_code(), lib.error_message().decode(), getattr(state, "exception", None)
        state.exception = None
        lib.clear_error()
        raise exception or ERRORS.get(code, Error)(message)


def in_a_scope(function):
    """Whatever libad makes in the call is dropped at its end, but for what Python holds then."""

    @functools.wraps(function)
    def run(*arguments, **options):
        scope = lib.scope_open()
        try:
            return function(*arguments, **options)
        finally:
            lib.scope_close(scope)

    return run


@functools.lru_cache(None)
def prototype_of(name):
    """What is known of a function, None of what is no function."""
    prototype = lib.prototype_of(name.encode())
    lib.clear_error()
    return prototype[0] if prototype else None


def takes_array(name, i):
    prototype = prototype_of(name)
    return prototype is not None and i < prototype.parameter_count and prototype.parameters[i].type == 1  # AD_TYPE_ARRAY


@in_a_scope
def call(name, *operands, **options):
    kept = []
    if options.get("out", 0) is None:  # numpy.sum(x) calls x.sum with it
        del options["out"]
    prototype = prototype_of(name)
    if prototype and prototype.option_count and len(operands) == prototype.parameter_count + 1:  # sum(x, 0), zeros(3, "float32")
        options = {prototype.options[0].name.decode(): operands[-1], **options}
        operands = operands[:-1]
    operands = [array(x) if isinstance(x, (list, tuple)) and takes_array(name, i) else x for i, x in enumerate(operands)]
    values = (Tagged * len(operands))(*[tagged(x, kept) for x in operands])
    named = (Named * len(options))(*[Named(n.encode(), tagged(x, kept)) for n, x in options.items()])
    result = lib.call_named(name.encode(), values, len(values), named, len(named))
    check()
    return untagged(result)


class Family:
    """ad.linalg.inv is ad.linalg_inv."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        return function(f"{self._name}_{name}")


@functools.lru_cache(None)
def function(name):
    """The function ad_NAME, or the family of those whose names begin so."""
    if prototype_of("ad_" + name):
        return functools.partial(call, "ad_" + name)
    if name.startswith("_") or not any(prototype.startswith(f"ad_{name}_") for prototype in prototypes()):
        raise AttributeError(f"libad has no function ad_{name}")
    return Family(name)


@functools.lru_cache(None)
def prototypes():
    """The C prototype of each function that libad exports, by its name."""
    return {p.name.decode(): p.text.decode() for p in (lib.prototype_at(i).contents for i in range(lib.prototype_count()))}


# ---- arrays from Python, and to others ----


def array(x, dtype=None):
    """An array of a number, of lists of them, or a copy of another library's array."""
    dtype = dtype_name(dtype)
    if not getattr(getattr(x, "dtype", None), "isnative", True):
        x = x.astype(x.dtype.newbyteorder("="))
    if isinstance(x, Array) or hasattr(x, "__dlpack__"):
        made = x if isinstance(x, Array) else call("ad_copy", from_dlpack(x))
        return made if dtype in (None, made.dtype) else call("ad_astype", made, dtype)
    shape, flat = [], [list(x) if isinstance(x, range) else x]
    while flat and isinstance(flat[0], (list, tuple)):
        if any(not isinstance(part, (list, tuple)) or len(part) != len(flat[0]) for part in flat):
            raise ValueError("lists of different lengths make no array")
        shape, flat = shape + [len(flat[0])], [x for part in flat for x in part]
    if any(isinstance(x, Array) or hasattr(x, "__dlpack__") for x in flat):
        made = call("ad_reshape", call("ad_stack", [array(x) for x in flat]), shape + list(array(flat[0]).shape))
        return made if dtype in (None, made.dtype) else call("ad_astype", made, dtype)
    flat = [x.item() if hasattr(x, "item") else x for x in flat]
    kinds = {bool: "bool", numbers.Integral: "int64", numbers.Real: "float64", numbers.Complex: "complex128"}
    dtype = dtype or next((name for kind, name in kinds.items() if flat and all(isinstance(x, kind) for x in flat)), "float64")
    if dtype not in DTYPES:
        raise ERRORS[3](f"libad has no dtype {dtype}")
    return from_bytes(dtype, shape, packed(flat, dtype))


def packed(flat, dtype):
    number = NUMBERS[DTYPES.index(dtype)]
    data = (number * len(flat))(*[(complex(x).real, complex(x).imag) for x in flat] if "complex" in dtype else flat)
    if "int" in dtype and list(data) != list(flat):
        raise OverflowError(f"not all numbers are of dtype {dtype}")
    return bytes(data)


def from_bytes(dtype, shape, data):
    buffer = c.create_string_buffer(data, max(len(data), 1))
    return call("ad_from_data", dtype, Tagged(POINTER, 0, Value(pointer=c.addressof(buffer))), shape)


def raw(x):
    """The elements' bytes, in C order."""
    copied = call("ad_copy", x)
    size = copied.size * c.sizeof(NUMBERS[DTYPES.index(copied.dtype)])
    return c.string_at(call("ad_data", copied), size) if size else b""


def elements(x):
    number = NUMBERS[DTYPES.index(x.dtype)]
    data = (number * x.size).from_buffer_copy(raw(x))
    return [complex(*part) for part in data] if "complex" in x.dtype else list(data)


def nested(flat, shape):
    if not shape:
        return flat[0]
    step = len(flat) // shape[0] if shape[0] else 0
    return [nested(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def to_list(x):
    """The elements, in lists as deep as the array has axes."""
    return x.tolist()


def capsule_api(result, name, *parameters):
    function = getattr(c.pythonapi, name)
    function.restype, function.argtypes = result, parameters
    return function


capsule_new = capsule_api(c.py_object, "PyCapsule_New", c.c_void_p, c.c_char_p, c.c_void_p)
capsule_pointer = capsule_api(c.c_void_p, "PyCapsule_GetPointer", c.c_void_p, c.c_char_p)
capsule_is = capsule_api(c.c_int, "PyCapsule_IsValid", c.c_void_p, c.c_char_p)
capsule_rename = capsule_api(c.c_int, "PyCapsule_SetName", c.c_void_p, c.c_char_p)
FLAGS, IS_COPIED = 24, 2  # of the versioned form
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
