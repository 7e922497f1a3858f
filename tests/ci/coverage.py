#!/usr/bin/env python3
"""Which functions there are to be, which there are, and whether tests call them.

coverage/FAMILY.txt lists the names that libad is to have, those of NumPy, SciPy and autograd among them; own.txt lists what is libad's own machinery. A
name counts as present when a public header declares it, as a function, another name of one or a macro. libad/tools/generate.py writes the page.

Run, this fails where a name that docs/coverage.md calls present is gone, where a public function stands in no list, and where no test calls one.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.append(str(ROOT / "libad" / "tools"))
from declarations import read_all_headers, renamed  # noqa: E402

LISTS = ROOT / "tests" / "ci" / "coverage"
PAGE = ROOT / "docs" / "coverage.md"
# Forms of one function: ad_sum_with of ad_sum, ad_grad_fn of ad_grad, ad_einsum_from of ad_einsum.
FORM = re.compile("_(with|fn|of|from|list|axes|any|tagged|managed|with_context)$")
# These tests go through all functions, whatever they do.
CALL_EVERYTHING = {"null_test.c", "hostile_rows.h", "cpp_test.cc"}


def read_lists():
    return {path.stem: path.read_text().split() for path in sorted(LISTS.glob("*.txt"))}


def public_names(headers):
    """Every name that a program can call, with the name of the function that it stands for."""
    names = {}
    for header in headers:
        for function in header.functions:
            names[function.name] = function.name
        for name, macro in header.macros.items():
            if name.startswith("ad_") and not name.endswith("_"):
                alias = re.match(r"ad_\w+$", macro.definition)
                names.setdefault(name, alias[0] if alias else name)
        for function, name in renamed(header.functions):
            names[name] = function.name
    return names


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


def gone(lists, names):
    """Names that the page calls present and that are not. One that is meant to go is taken out of its list first."""
    listed = {name for family in lists.values() for name in family}
    present = re.findall(r"`(ad_\w+)`", "".join(re.findall(r"^Present:.*$", PAGE.read_text(), re.M))) if PAGE.exists() else []
    return [f"{name} was there and is gone; if that is meant, take it out of tests/ci/coverage too" for name in present if name in listed - names.keys()]


def faults(lists, names):
    listed = {name for family in lists.values() for name in family}
    tested = tested_names()
    yield from gone(lists, names)
    for name, function in names.items():
        all_forms = forms(name, names) | {function}
        if not all_forms & listed:
            yield f"{name} is in no list of tests/ci/coverage"
        if not any(form in tested for n in all_forms for form in {n} | {m for m in names if FORM.sub("", m) == n}):
            yield f"{name} is called by no test"
    for name in lists["own"]:
        if name not in names:
            yield f"{name} is in tests/ci/coverage/own.txt, but there is no such function"


def page(headers):
    """docs/coverage.md."""
    lists, names = read_lists(), public_names(headers)
    if gone(lists, names):
        sys.exit("\n".join(gone(lists, names)))
    families = {family: listed for family, listed in lists.items() if family != "own"}
    there = {family: [n for n in listed if n in names] for family, listed in families.items()}
    planned = {family: [n for n in listed if n not in names] for family, listed in families.items()}
    lines = [
        "# Coverage",
        "",
        "The functions that libad is to have, by family, and those that it has. Written by `libad/tools/generate.py` from the lists in",
        "`tests/ci/coverage` and the public headers; the [reference](reference/README.md) says what each does.",
        "",
        "| family | present | planned |",
        "|---|---:|---:|",
    ]
    for family in families:
        lines.append(f"| [{family}](#{family}) | {len(there[family])} | {len(planned[family])} |")
    lines.append(f"| all | {sum(map(len, there.values()))} | {sum(map(len, planned.values()))} |")
    for family in families:
        lines += ["", f"## {family}"]
        for word, shown in (("Present", there[family]), ("Planned", planned[family])):
            if shown:
                lines += ["", f"{word}: " + " ".join(f"`{n}`" for n in shown)]
    return "\n".join(lines) + "\n"


def main():
    lists, names = read_lists(), public_names(read_all_headers())
    found = list(faults(lists, names))
    print("\n".join(found) if found else f"{len(names)} public names, in the lists and called by tests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
