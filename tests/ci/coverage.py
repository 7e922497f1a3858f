#!/usr/bin/env python3
"""Which functions there are, which there are to be, and whether tests call them.

A name is there when a public header declares it, as a function, another name of one or a macro. planned.txt lists those that are to come.
libad/tools/generate.py writes the page of both.

Run, this fails where a name that docs/coverage.md calls present is gone, and where no test calls a public function.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.append(str(ROOT / "libad" / "tools"))
from declarations import MACHINERY, read_all_headers, renamed  # noqa: E402

PLANNED = ROOT / "tests" / "ci" / "planned.txt"
PAGE = ROOT / "docs" / "coverage.md"
OWN = MACHINERY - {"io", "transform", "tree"}  # headers that are no family of functions as NumPy or autograd has them
# Forms of one function: ad_sum_with of ad_sum, ad_grad_fn of ad_grad, ad_einsum_from of ad_einsum.
FORM = re.compile("_(with|fn|of|from|list|axes|any|tagged|managed|with_context)$")
# These tests go through all functions, whatever they do.
CALL_EVERYTHING = {"null_test.c", "null_calls.h", "families.h", "hostile_calls.h", "hostile_rows.h", "cpp_test.cc"}


def read_planned():
    """Names by family: "math: ad_positive ad_modf" and lines that are indented below."""
    families = {}
    for line in PLANNED.read_text().split("\n"):
        if line and not line.startswith("#"):
            family, names = re.match(r"(?:(\w+):)?(.*)", line).groups()
            families.setdefault(family or list(families)[-1], []).extend(names.split())
    return families


def names_of(header):
    """Every name of a header that a program can call, with the name of the function that it stands for."""
    names = {function.name: function.name for function in header.functions}
    for name, macro in header.macros.items():
        if name.startswith("ad_") and not name.endswith("_"):
            alias = re.match(r"ad_\w+$", macro.definition)
            names.setdefault(name, alias[0] if alias else name)
    for function, name in renamed(header.functions):
        names[name] = function.name
    return names


def public_names(headers):
    return {name: function for header in headers for name, function in names_of(header).items()}


def forms(name, names):
    """The name, and without what tells its forms apart, if that is a name too: ad_sum_with is ad_sum, ad_tree_escape ad_escape."""
    return {name} | {base for base in (FORM.sub("", name), name.replace("ad_tree_", "ad_", 1)) if base in names}


def tested_names():
    """Words of the tests that call functions one by one; UNARY(exp, ...) is a row of ad_exp."""
    words = set()
    for path in sorted((ROOT / "tests").rglob("*.[ch]")) + sorted((ROOT / "tests").rglob("*.cc")):
        if path.name not in CALL_EVERYTHING and "refused" not in path.parts:
            text = path.read_text(errors="replace")
            words |= set(re.findall(r"\bad_\w+", text))
            words |= {"ad_" + name for name in re.findall(r"\b[A-Z_]+\((\w+),", text)}
    return words


def gone(names):
    """Names that the page calls present and that are not. One that is meant to go is taken out of the page first."""
    text = PAGE.read_text() if PAGE.exists() else ""
    present = re.findall(r"`(ad_\w+)`", "".join(re.findall(r"^Present:.*$", text, re.M)))
    return [f"{name} was there and is gone; if that is meant, take it out of docs/coverage.md, too" for name in present if name not in names]


def faults(headers):
    names, tested = public_names(headers), tested_names()
    yield from gone(names)
    for header in headers:
        place = "a tests/*_test.c" if header.is_machinery else f"tests/rows/{header.family}.h, if it is an operation, or in a tests/*_test.c"
        for name, function in names_of(header).items():
            all_forms = forms(name, names) | {function}
            if not any(form in tested for n in all_forms for form in {n} | {m for m in names if FORM.sub("", m) == n}):
                yield f"{name} is called by no test: it should be in {place}"


def page(headers):
    """docs/coverage.md."""
    names, planned = public_names(headers), read_planned()
    if gone(names):
        sys.exit("\n".join(gone(names)))
    there = {h.family: [n for n in names_of(h) if forms(n, names) == {n}] for h in headers if h.family not in OWN}
    families = {f: (there.get(f, []), [n for n in planned.get(f, []) if n not in names]) for f in sorted(there.keys() | planned.keys())}
    lines = [
        "# Coverage",
        "",
        "The functions that libad has, by the header that declares them, and those that it is to have. Written by `libad/tools/generate.py` from the public",
        "headers and `tests/ci/planned.txt`; the [reference](reference/README.md) says what each does.",
        "",
        "| family | present | planned |",
        "|---|---:|---:|",
    ]
    lines += [f"| [{family}](#{family}) | {len(present)} | {len(to_come)} |" for family, (present, to_come) in families.items()]
    lines.append("| all | %d | %d |" % tuple(sum(len(lists[i]) for lists in families.values()) for i in range(2)))
    for family, lists in families.items():
        lines += ["", f"## {family}"]
        for word, shown in zip(("Present", "Planned"), lists):
            if shown:
                lines += ["", f"{word}: " + " ".join(f"`{n}`" for n in shown)]
    return "\n".join(lines) + "\n"


def main():
    headers = read_all_headers()
    found = list(faults(headers))
    print("\n".join(found) if found else f"{len(public_names(headers))} public names, called by tests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
