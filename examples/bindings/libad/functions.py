"""Derivatives of Python functions: the function of C that stands for them, and what makes of it another one."""
import ctypes as c
import functools
import itertools
import weakref

from libad import c as lib
from libad.arrays import Array, array, check, in_a_scope, operand, state, tagged, tree, untagged
from libad.c import ARRAY, FUNCTION, INTEGER, LIST, POINTER, USER, Named, Tagged, Value


class Context:
    """A call of a transformation: the function and its arguments, of which libad has those that are arrays or made of them."""

    numbered, contexts = itertools.count(1), weakref.WeakValueDictionary()

    def __init__(self, function, arguments, options):
        self.function, self.options = function, options
        self.arguments = [NotImplemented if operand(x) or isinstance(x, dict) else x for x in arguments]  # the others are closed over
        self.number = next(Context.numbered)
        Context.contexts[self.number] = self

    def __call__(self, given):
        given = iter(given)
        return self.function(*[next(given) if x is NotImplemented else x for x in self.arguments], **self.options)


@functools.lru_cache(None)
def trampoline(letters):
    """The C function of all Python functions of these arguments: the last one, the context, says which is meant."""

    def run(*arguments):
        kept = []
        try:
            y = Context.contexts[arguments[-1]](Array(x) if letter == "a" else tree(x) for x, letter in zip(arguments, letters))
            if not operand(y) or isinstance(y, (list, tuple)):
                raise TypeError(f"a function that is differentiated gives an array, not {'nothing' if y is None else 'a ' + type(y).__name__}")
            result = tagged(y, kept)
            return lib.hold(result.pointer) if result.kind == ARRAY else lib.call_named(b"ad_asarray", c.byref(result), 1, None, 0).pointer
        except BaseException as exception:  # goes on where the call of libad ends
            state.exception = getattr(state, "exception", None) or exception
            told = (Tagged * 2)(tagged(USER, []), tagged(repr(exception), kept))
            lib.call_named(b"ad_set_error", told, 2, None, 0)
            return None

    return c.CFUNCTYPE(c.c_void_p, *[c.c_void_p] * (len(letters) + 1))(run)


class Call:
    """What libad is given: the function and its arguments with the context behind them, and `added` ones at the end."""

    def __init__(self, f, arguments, options, added=0):
        if len(arguments) <= added:
            raise TypeError("a function to be differentiated has an argument" + (", and a direction stands behind its own" if added else ""))
        own, further, self.kept = arguments[: len(arguments) - added], arguments[len(arguments) - added :], []
        self.context = Context(f, own, options)
        given = [x for x, closed_over in zip(own, self.context.arguments) if closed_over is NotImplemented]
        letters = "".join("t" if isinstance(x, (list, tuple, dict)) else "a" for x in given)
        if not given:
            raise TypeError("a function to be differentiated has an argument that is an array or made of arrays")
        self.fn = lib.function_of(c.cast(trampoline(letters), c.c_void_p), ("a(%s,p)" % ",".join(letters)).encode())
        check()
        own, further = ([tagged(x, self.kept, True) for x in part] for part in (given, further))
        self.values = own + [Tagged(POINTER, 0, Value(pointer=self.context.number))] + further
        self.values = (Tagged * len(self.values))(*self.values)

    def argnum(self, argnum):
        """The number of an argument among those that libad has."""
        if not 0 <= argnum < len(self.context.arguments) or self.context.arguments[argnum] is not NotImplemented:
            raise TypeError(f"argument {argnum} is not an array or made of arrays")
        return sum(x is NotImplemented for x in self.context.arguments[:argnum])


def while_running(function):
    """Contexts last until the outermost call returns: until then a sweep may call a function again."""

    @in_a_scope
    def run(call, *arguments):
        outermost = not getattr(state, "calls", None)
        if outermost:
            state.calls, state.exception = [], None
            state.dead = getattr(state, "dead", [])
            while state.dead:  # pullbacks of this thread, dropped in any
                lib.vjp_free(state.dead.pop())
        state.calls.append(call)
        try:
            result = function(call, *arguments)
            check()
            return result
        finally:
            if outermost:
                state.calls = []

    return run


@while_running
def transformed(call, name, argnum=None):
    operands = [Tagged(FUNCTION, 0, Value(pointer=call.fn))] + [Tagged(INTEGER, 0, Value(integer=n)) for n in [argnum] if n is not None]
    made = lib.call_named(name.encode(), (Tagged * len(operands))(*operands), len(operands), None, 0)
    result = lib.call_tagged(made.pointer, call.values, len(call.values))
    check()
    return untagged(result)


def grad(f, argnum=0):
    """The gradient in one argument: an array, or a list or dictionary of arrays, as f's argument is. f gives a scalar."""

    @functools.wraps(f)
    def run(*arguments, **options):
        call = Call(f, arguments, options)
        return transformed(call, "ad_grad", call.argnum(argnum))

    return run


def value_and_grad(f, argnum=0):
    @while_running
    def both(call, number):
        gradient = Tagged()
        value = lib.value_and_grad_tagged(call.fn, number, call.values, len(call.values), c.byref(gradient))
        check()
        return untagged(value), untagged(gradient)

    @functools.wraps(f)
    def run(*arguments, **options):
        call = Call(f, arguments, options)
        return both(call, call.argnum(argnum))

    return run


def transformation(name, added=0):
    def transform(f):
        return functools.wraps(f)(lambda *arguments, **options: transformed(Call(f, arguments, options, added), name))

    return transform


jacobian, hessian, deriv, elementwise_grad = (transformation("ad_" + name) for name in ("jacobian", "hessian", "deriv", "elementwise_grad"))
checkpoint, hvp = transformation("ad_checkpoint"), transformation("ad_hvp", added=1)


@while_running
def jvp_of(call):
    tangent = Tagged()
    value = lib.jvp_tagged(call.fn, call.values, len(call.values), c.byref(tangent))
    check()
    return untagged(value), untagged(tangent)


def jvp(f, *arguments, **options):
    """jvp(f, x, ..., v): f's value, and its derivative along v, a direction for the first argument."""
    return jvp_of(Call(f, arguments, options, 1))


class Pullback:
    """What ad.vjp gives: from a cotangent of the value to one of the first argument. It stays in its thread.

    `calls` are those of f and of what f differentiated: the sweep may call any of them again."""

    def __init__(self, pointer, calls):
        self.pointer, self.calls, self.dead = pointer, calls, state.dead

    def __call__(self, ybar):
        return self.pulled(self.calls[0], self.pointer, ybar)

    @staticmethod
    @while_running
    def pulled(call, pointer, ybar):
        kept = []
        result = lib.vjp_apply_tagged(pointer, c.byref(tagged(array(ybar) if isinstance(ybar, (list, tuple)) else ybar, kept)))
        check()
        return untagged(result)

    def __del__(self):
        self.dead.append(self.pointer)


@while_running
def vjp_of(call):
    pull = c.c_void_p()
    value = lib.vjp_tagged(call.fn, call.values, len(call.values), c.byref(pull))
    check()
    return untagged(value), Pullback(pull.value, state.calls[state.calls.index(call) :])


def vjp(f, *arguments, **options):
    """vjp(f, x, ...): f's value, and a function that pulls cotangents of it back to x."""
    return vjp_of(Call(f, arguments, options))


@while_running
def applied(call, name, options):
    operands = (Tagged * 2)(Tagged(FUNCTION, 0, Value(pointer=call.fn)), Tagged(LIST, len(call.values), Value(pointer=c.addressof(call.values))))
    named = (Named * len(options))(*[Named(n.encode(), tagged(x, call.kept)) for n, x in options.items()])
    result = lib.call_named(name.encode(), operands, 2, named, len(named))
    check()
    return untagged(result)


def fixed_point(f, x0, *arguments, **options):
    """Where x = f(x, ...), from x0 on."""
    return applied(Call(f, (x0,) + arguments, options), "ad_fixed_point", {})


def check_grads(f, *arguments, **options):
    """Compares f's derivatives with differences; an exception says what is wrong. The options are those of ad_check_grads."""
    return applied(Call(f, arguments, {}), "ad_check_grads", options)


@while_running
def trace_of(call, title, dot):
    characters = lib.traced_text(title.encode(), call.fn, call.values, len(call.values), dot)
    check()
    text = c.string_at(characters).decode(errors="replace")
    lib.free(characters)
    return text


def trace_text(f, *arguments, dot=False, **options):
    """The calls that f makes, as a program, or for Graphviz."""
    return trace_of(Call(f, arguments, options), getattr(f, "__name__", "f"), dot)


def print_trace(f, *arguments, **options):
    print(trace_text(f, *arguments, **options), end="")
