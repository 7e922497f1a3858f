"""What the binding uses of libad's C interface, as ctypes declares it: structs, kinds of tagged values, functions. LIBAD names the library's file."""
import ctypes as c
import ctypes.util
import os

path = os.environ.get("LIBAD") or ctypes.util.find_library("ad")
if not path:
    raise ImportError("libad is not installed where the linker looks; LIBAD in the environment names the library's file")
library = c.CDLL(path)
NONE, ARRAY, TREE, FUNCTION, POINTER, BOOL, INTEGER, REAL, COMPLEX, DTYPE, TEXT, KEY, INTEGERS, INDICES, LIST = range(15)
SLICE, ELEMENT, NEW, REST, PICK = range(5)  # ad_index_kind
NO_INDEX = -(2**63)
USER = 12  # AD_ERROR_USER
DTYPES = ["float64", "float32", "complex128", "complex64", "int64", "int32", "uint8", "bool"]
NUMBERS = [c.c_double, c.c_float, c.c_double * 2, c.c_float * 2, c.c_int64, c.c_int32, c.c_uint8, c.c_bool]


class Scope(c.Structure):
    _fields_ = [("depth", c.c_uint32)]


class Key(c.Structure):
    _fields_ = [("hi", c.c_uint64), ("lo", c.c_uint64)]


class Index(c.Structure):
    _fields_ = [("kind", c.c_int), ("start", c.c_int64), ("stop", c.c_int64), ("step", c.c_int64), ("array", c.c_void_p)]


class Value(c.Union):
    _fields_ = [("pointer", c.c_void_p), ("integer", c.c_int64), ("real", c.c_double), ("parts", c.c_double * 2), ("text", c.c_char_p), ("key", Key)]


class Tagged(c.Structure):
    _anonymous_ = ["value"]
    _fields_ = [("kind", c.c_int), ("count", c.c_int), ("value", Value)]


class Named(c.Structure):
    _fields_ = [("name", c.c_char_p), ("value", Tagged)]


class Parameter(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int)]


class Option(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int), ("offset", c.c_uint), ("value", Tagged)]


class Prototype(c.Structure):
    _fields_ = [("name", c.c_char_p), ("text", c.c_char_p), ("result", c.c_int), ("parameter_count", c.c_int), ("option_count", c.c_int)]
    _fields_ += [("options_size", c.c_uint), ("options_align", c.c_uint), ("parameters", c.POINTER(Parameter))]
    _fields_ += [("options", c.POINTER(Option)), ("pointer", c.c_void_p)]


def declare(result, name, *parameters):
    function = getattr(library, name)
    function.restype, function.argtypes = result, parameters
    return function


values = c.POINTER(Tagged)
scope_open, scope_close = declare(Scope, "ad_scope_open"), declare(None, "ad_scope_close", Scope)
call_named = declare(Tagged, "ad_call_named", c.c_char_p, values, c.c_int, c.POINTER(Named), c.c_int)
call_tagged = declare(Tagged, "ad_call_tagged", c.c_void_p, values, c.c_int)
value_and_grad_tagged = declare(Tagged, "ad_value_and_grad_tagged", c.c_void_p, c.c_int, values, c.c_int, values)
vjp_tagged = declare(Tagged, "ad_vjp_tagged", c.c_void_p, values, c.c_int, c.POINTER(c.c_void_p))
vjp_apply_tagged, vjp_free = declare(Tagged, "ad_vjp_apply_tagged", c.c_void_p, values), declare(None, "ad_vjp_free", c.c_void_p)
jvp_tagged = declare(Tagged, "ad_jvp_tagged", c.c_void_p, values, c.c_int, values)
traced_text = declare(c.c_void_p, "ad_trace_text", c.c_char_p, c.c_void_p, values, c.c_int, c.c_bool)
function_of = declare(c.c_void_p, "ad_function_of", c.c_void_p, c.c_char_p)
retain, release = declare(c.c_void_p, "ad_retain", c.c_void_p), declare(None, "ad_release", c.c_void_p)
hold = declare(c.c_void_p, "ad_asarray", c.c_void_p)  # gives its operand, which then belongs to the innermost scope too
failed, clear_error, error_code = declare(c.c_bool, "ad_failed"), declare(None, "ad_clear_error"), declare(c.c_int, "ad_error_code")
error_message, tostring = declare(c.c_char_p, "ad_error_message"), declare(c.c_void_p, "ad_tostring", c.c_void_p)
free = c.CDLL(None).free
free.argtypes = [c.c_void_p]
tree_count, tree_name = declare(c.c_int, "ad_tree_count", c.c_void_p), declare(c.c_char_p, "ad_tree_name", c.c_void_p, c.c_int)
tree_array, tree_tree = (declare(c.c_void_p, name, c.c_void_p, c.c_int) for name in ("ad_tree_array_at", "ad_tree_tree_at"))
prototype_at, prototype_count = declare(c.POINTER(Prototype), "ad_prototype_at", c.c_int), declare(c.c_int, "ad_prototype_count")
prototype_of = declare(c.POINTER(Prototype), "ad_prototype_of", c.c_char_p)
