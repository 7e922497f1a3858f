#!/usr/bin/env python3
"""Writes what follows from the declarations of the public headers. Of those of libad, libad-nn and hyperopt:

    include/.../macros/FAMILY.h        the macros that stand before the functions of a header, other names, defaults of options
    src/.../defaults.c                 the functions that have their options' defaults: ad_sum, given ad_sum_with
    docs/reference                     a page for each header

and of those of libad:

    libad/include/ad/macros/*.hpp      the same functions in C++, for ad/functions.hpp
    libad/src/ops/alias.c              the functions of other names
    docs/coverage.md                   which functions there are, of those that there are to be (tests/ci/coverage.py)
    tests/rows/families.h              the files of rows
    tests/null_calls.h                 every operation with NULL for each operand
    tests/faults/hostile_calls.h       every operation with words for hostile values
    tests/refused/every_option.c       every function with an option that is not named
    libad/src/ops/functions.inc        every function of operands or with options, for the table of operations

The output is committed. `generate.py --check` writes nothing and fails where a file is not what it would write.

How a header says it:

    ad_array *x                   an operand: the macro takes a C number too; every other parameter is taken as it is
    ad_sum, ad_sum_with           the macro ad_sum takes the fields of the options by name; the function ad_sum is written, too
    int num; /**< = 50: text */   a field's default, a C expression; zero where none is given. AD_EYE_DEFAULTS has those of ad_eye_options
    Also named ad_subtract.       in a doc comment: the function under other names, "ad_divide and ad_true_divide" if there are two
    AD_NOTED_                     behind a declaration without operands: a macro notes the place of the call, too

A macro that a header defines itself is left to it.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True  # beside the sources
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "ci"))
import coverage  # noqa: E402
from cpp import cpp_headers  # noqa: E402
from declarations import LIBAD, LIBRARIES, ROOT, declared, read_all_headers, renamed  # noqa: E402
from pages import pages  # noqa: E402
from test_lists import test_lists  # noqa: E402

RETURNED = ("ad_array *", "ad_tree *")  # by a function that takes operands
HELD = re.compile(r"(const )?(ad|adnn)_\w+ \*$")  # first arguments that are no compound literals


def is_operation(function):
    """Whether it makes arrays of operands, or takes options."""
    return function.result in RETURNED and (function.with_name or function.parameters and function.parameters[0].is_operand and not function.options)


# ---- Macros ----


def kinds_of(function):
    """A letter for each parameter: A, an operand, or P, a plain one."""
    return "".join("A" if p.is_operand else "P" for p in function.parameters)


def aligned(lines):
    """Pairs of texts in two columns."""
    left = max(len(a) for a, _ in lines)
    return [f"{a:{left}} {b}" for a, b in lines]


def names_of(parameters):
    return [p.name for p in parameters]


def options_macro(function):
    """#define ad_take(x, ...) AD_WITH_AA_(ad_take, AD_TAKE, x, __VA_ARGS__)"""
    first = names_of(function.parameters[:-1])
    left = ", ".join(first + ["..."])
    right = ", ".join([function.name, function.options.constant] + first + ["__VA_ARGS__"])
    return f"#define {function.name}({left})", f"AD_WITH_{kinds_of(function)}_({right})"


def operands_macro(function):
    """#define ad_add(a, b) AD_CALL_AA_(ad_add, a, b); what comes after the operands may hold commas, if it is a struct, or more arguments."""
    kinds = kinds_of(function)
    count = len(kinds) - len(kinds.lstrip("A"))
    operands, others = function.parameters[:count], function.parameters[count:]
    if any(p.is_operand for p in others):
        sys.exit(f"{function.name}: operands stand before what is no operand, or the header has the macro")
    if any(p.type == "..." or re.match(r"ad_(shape|axes|index_list|widths)$", p.type) for p in others):
        left, right = names_of(operands) + ["..."], names_of(operands) + ["__VA_ARGS__"]
    else:
        left = right = names_of(function.parameters)
    form = "A" * count + ("P" if others else "")
    return f"#define {function.name}({', '.join(left)})", f"AD_CALL_{form}_({', '.join([function.name] + right)})"


def noted_macro(function):
    """#define ad_item(x) AD_CALL_P_(ad_item, x); a first argument that may be a compound literal is not evaluated first."""
    first = function.parameters[0]
    if not HELD.match(first.type):
        return f"#define {function.name}(...)", f"AD_CALL_V_({function.name}, __VA_ARGS__)"
    if len(function.parameters) == 1:
        return f"#define {function.name}({first.name})", f"AD_CALL_P_({function.name}, {first.name})"
    return f"#define {function.name}({first.name}, ...)", f"AD_CALL_PP_({function.name}, {first.name}, __VA_ARGS__)"


def prototype(function, name, options=False):
    parameters = [p.declared for p in function.parameters]
    if options:
        parameters.append(f"{function.options.name} options")
    return declared(function.result, f"{name}({', '.join(parameters)})")


ZEROS = {"bool": "false", "const char *": "NULL", "ad_array *": "NULL"}  # by type; "0" for numbers, an empty list for ad_axes and the like


def zero_of(field):
    return ZEROS.get(field.type) or ("{ .count = 0 }" if re.match("ad_(axes|widths)$", field.type) else "0")


def defaults(options):
    """.axis = -1, .dtype = AD_F64: the fields that are not zero; one that is, where there is no other."""
    given = [f for f in options.fields if f.default not in (None, zero_of(f))]
    return ", ".join(f".{f.name} = {f.default or zero_of(f)}" for f in given or options.fields[:1])


def macros_header(header):
    """Text of ad/macros/FAMILY.h, or None where there is nothing to write."""
    by_options, by_operands, noted = [], [], []
    for function in header.functions:
        if function.name in header.macros or not function.parameters:
            continue
        if "AD_NOTED_" in function.attributes:
            noted.append(noted_macro(function))
        elif function.with_name and function.options.named:
            by_options.append(options_macro(function))
        elif is_operation(function) and not function.with_name:
            by_operands.append(operands_macro(function))
    aliases = list(renamed(header.functions))
    options = [o for o in header.options if o.constant + "_DEFAULTS" not in header.macros]
    if not (by_options or by_operands or noted or aliases or options):
        return None
    parts = [[f"/* Generated by libad/tools/generate.py from the declarations in {header.name}, which includes this file. */"]]
    if options:
        fields = [(f"#define {o.constant}_DEFAULTS_FIELDS_", defaults(o)) for o in options]
        constants = [(f"#define {o.constant}_DEFAULTS", f"(({o.name}){{ {o.constant}_DEFAULTS_FIELDS_ }})") for o in options]
        parts.append(["/* Options with their defaults. */"] + aligned(fields + constants))
    if aliases:
        lines = ["/* Other names. */"]
        for function, name in aliases:
            lines.append(f"AD_API {prototype(function, name)};")
            if function.with_name:
                lines.append(f"AD_API {prototype(function, name + '_with', True)};")
        parts.append(lines)
    macros = []
    if by_options:
        macros.append(["/* Functions with named options. */"] + aligned(by_options))
    if by_operands:
        macros.append(["/* Functions of operands: arrays or C numbers. */"] + aligned(by_operands))
    if aliases:
        calls = []
        for function, name in aliases:
            written = "..." if function.with_name else ", ".join(names_of(function.parameters))
            calls.append((f"#define {name}({written})", f"{function.name}({written.replace('...', '__VA_ARGS__')})"))
        macros.append(["/* The same under other names. */"] + aligned(calls))
    if macros:
        parts.append(["#ifndef __cplusplus"])
        parts.extend(macros)
        parts.append(["#endif"])
    if noted:
        parts.append(["/* Functions that note the place of their call. */", "#if !defined __cplusplus && !defined AD_INTERNAL_"] + aligned(noted) + ["#endif"])
    return "\n\n".join("\n".join(p) for p in parts) + "\n"


# ---- Functions ----


def alias_source(headers):
    lines = [
        "/* Generated by libad/tools/generate.py: functions under NumPy's and SciPy's other names. A name in\n * parentheses is the function, not its macro. */",
        '#include "ad/ad.h"',
    ]
    for header in headers:
        for function, name in renamed(header.functions):
            arguments = ", ".join(names_of(function.parameters))
            lines += ["", prototype(function, f"({name})"), "{", f"    return ({function.name})({arguments});", "}"]
            if function.with_name:
                lines += ["", prototype(function, name + "_with", True), "{", f"    return {function.with_name}({arguments}, options);", "}"]
    return "\n".join(lines) + "\n"


def defaults_source(headers):
    """Functions without options, or None where none has any."""
    functions = [f for header in headers for f in header.functions if f.with_name]
    if not functions:
        return None
    opening = "/* Generated by libad/tools/generate.py: functions with the defaults of their options. A name in\n * parentheses is the function, not its macro. */"
    lines = [opening] + [f'#include "{header.name}"' for header in headers if any(f.with_name for f in header.functions)]
    for function in functions:
        arguments = ", ".join(names_of(function.parameters) + [f"{function.options.constant}_DEFAULTS"])
        lines += ["", prototype(function, f"({function.name})"), "{", f"    return {function.with_name}({arguments});", "}"]
    return "\n".join(lines) + "\n"


def function_list(headers):
    names = [f.name for header in headers for f in header.functions if is_operation(f)]
    return "/* Generated by libad/tools/generate.py: every function of operands or with options. */\n" + "".join(f"FUNCTION({name})\n" for name in names)


# ---- All of it ----


def write_macros(headers):
    for header in headers:
        text = macros_header(header)
        if text:
            include = f"{header.library.include}/macros/{header.family}.h"
            if f"#include <{include}>" not in header.path.read_text():
                sys.exit(f"{header.name} should include {include} at its end")
            yield header.library.headers / "macros" / f"{header.family}.h", text


def write_defaults(headers):
    text = defaults_source(headers)
    if text:
        library = headers[0].library
        yield library.folder / library.sources / "defaults.c", text


def write_functions(headers):
    included = next(header for header in headers if header.family == "ad").path.read_text()
    for header in headers:
        if not header.is_machinery and f"#include <{header.name}>" not in included:
            sys.exit(f"{header.name} is not included in ad/ad.h")
    yield LIBAD.folder / LIBAD.sources / "alias.c", alias_source(headers)
    yield LIBAD.folder / LIBAD.sources / "functions.inc", function_list(headers)


def write_cpp(headers):
    for name, text in cpp_headers(headers):
        yield LIBAD.headers / "macros" / name, text


def write_coverage(headers):
    yield ROOT / "docs" / "coverage.md", coverage.page(headers)


def write_test_lists(libraries):
    for name, text in test_lists(libraries):
        yield ROOT / "tests" / name, text


def write_pages(libraries):
    for name, text in pages(libraries):
        yield ROOT / "docs" / "reference" / name, text


# What writes, of the headers of each library, of those of libad, and of the lists of all: a path and a text for each file.
WRITERS = [write_macros, write_defaults]
WRITERS_OF_LIBAD = [write_functions, write_cpp, write_coverage]
WRITERS_OF_ALL = [write_test_lists, write_pages]


def outputs():
    libraries = [read_all_headers(library) for library in LIBRARIES]
    for writers, subjects in ((WRITERS, libraries), (WRITERS_OF_LIBAD, libraries[:1]), (WRITERS_OF_ALL, [libraries])):
        for subject in subjects:
            for writer in writers:
                yield from writer(subject)


def main(arguments):
    check = arguments == ["--check"]
    if arguments and not check:
        sys.exit(__doc__)
    stale = []
    for path, text in outputs():
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    for path in stale:
        print(path.relative_to(ROOT), "is not current: run libad/tools/generate.py" if check else "written")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
