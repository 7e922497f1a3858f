"""Arrays in gdb: `print x` of an ad_array * shows dtype, shape, name and the first elements.

gdb loads this file by itself where libad is installed, and in a build folder if it is told that files there may be loaded:

    add-auto-load-safe-path /path/to/build

It reads memory alone and calls nothing, so that it works on core dumps. Offsets are those of struct ad_array, which
libad/src/array/array.h checks.
"""
import json
import re
import struct

import gdb

DTYPES = [("float64", "d"), ("float32", "f"), ("complex128", "dd"), ("complex64", "ff"), ("int64", "q"), ("int32", "i"), ("uint8", "B"), ("bool", "?")]
DTYPE, NDIM, SIZE_CLASS, FLAGS, SLOT, SIZE, DATA, SERIAL, EXTENTS = 14, 15, 12, 16, 20, 24, 32, 48, 64
WEAK, ABSTRACT, NAMED = 1, 4, 16
NAME_BYTES = 48
SHOWN = 8


def read(address, layout):
    bytes_ = gdb.selected_inferior().read_memory(address, struct.calcsize("=" + layout)).tobytes()
    return struct.unpack("=" + layout, bytes_)


def element(address, layout):
    value = read(address, layout)
    return repr(complex(*value)) if len(value) == 2 else repr(value[0])


class Array:
    """What an ad_array says of itself."""

    def __init__(self, address):
        self.dtype, self.ndim = read(address + DTYPE, "BB")
        self.flags, = read(address + FLAGS, "B")
        self.slot, = read(address + SLOT, "I")
        self.size, = read(address + SIZE, "q")
        self.data, = read(address + DATA, "Q")
        self.serial, = read(address + SERIAL, "Q")
        if self.dtype >= len(DTYPES) or self.ndim > 32 or self.size < 0:
            raise ValueError("not an array")
        self.shape = read(address + EXTENTS, "%dq" % self.ndim) if self.ndim else ()
        self.strides = read(address + EXTENTS + 8 * self.ndim, "%dq" % self.ndim) if self.ndim else ()
        self.name = ""
        if self.flags & NAMED:
            size_class, = read(address + SIZE_CLASS, "B")
            text, = read(address + 64 * size_class - NAME_BYTES, "%ds" % NAME_BYTES)
            self.name = text.split(b"\0")[0].decode(errors="replace")

    def place(self, k):
        """The address of element k in C order."""
        address = self.data
        for n, stride in zip(reversed(self.shape), reversed(self.strides)):
            address += k % n * stride
            k //= n
        return address

    def values(self, layout):
        """The first elements, in brackets as deep as the array has axes."""
        lengths = [1]  # of what stands in one bracket, from the innermost outwards
        for n in reversed(self.shape):
            lengths.append(lengths[-1] * n)
        text, shown = "", min(self.size, SHOWN)
        for k in range(shown):
            text += "[" * sum(k % n == 0 for n in lengths[1:]) + element(self.place(k), layout)
            closed = sum((k + 1) % n == 0 for n in lengths[1:])
            if k + 1 < shown:
                text += "]" * closed + ", "
            elif shown == self.size:
                text += "]" * self.ndim
            else:
                text += "]" * closed + ", ..." + "]" * (self.ndim - closed)
        return text if self.size else "[]"

    def __str__(self):
        name, layout = DTYPES[self.dtype]
        shape = "(%s)" % ", ".join(map(str, self.shape)) if len(self.shape) != 1 else "(%d,)" % self.shape
        own = self.name if re.fullmatch(r"[^\W\d][\w./]*", self.name) else json.dumps(self.name, ensure_ascii=False)  # a word, or in quotes
        text = "%s%s%s %s" % (own + ": " if self.name else "", "weak " if self.flags & WEAK else "", name, shape)
        if self.flags & ABSTRACT:
            return text + ", without values"
        return text + " = " + self.values(layout) + (", slot %d" % self.slot if self.serial and self.slot else "")


class ArrayPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        address = int(self.value)
        if address == 0:
            return "NULL"
        try:
            return "0x%x %s" % (address, Array(address))
        except (gdb.error, ValueError, UnicodeError) as error:
            return "0x%x (%s)" % (address, error)


def find(value):
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_PTR:
        return None
    target = kind.target().unqualified()
    if target.name == "ad_array" or target.strip_typedefs().tag == "ad_array":
        return ArrayPrinter(value)
    return None


gdb.pretty_printers.append(find)
