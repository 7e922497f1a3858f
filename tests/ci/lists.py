#!/usr/bin/env python3
"""Every file is named in the list that makes it count: sources and tests in meson.build, headers in ad/ad.h.

The lists are written by hand, so that one sees what is built. A source that is left out shows when something calls it, if it does, and a test does not show
at all."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = {path: path.read_text() for path in ROOT.rglob("meson.build") if not path.parts[len(ROOT.parts)].startswith("build")}
INCLUDED_BY_OTHERS = {"ad", "base", "call", "each", "signature"}  # headers of libad that are no part of the list in ad.h


def sources():
    for library in ("libad", "libad-nn", "hyperopt"):
        folder = ROOT / library
        for path in sorted((folder / "src").rglob("*.c*")):
            if f"'{path.relative_to(folder)}'" not in TEXTS[folder / "meson.build"]:
                yield f"{path.relative_to(ROOT)} is not in {library}/meson.build"


def is_named(path, text):
    names = {path.name, path.stem, re.sub("_(test|bench)$", "", path.stem)}
    return any(f"'{name}'" in text for name in names)


def tests():
    for folder, files in (("tests", "*_test.c*"), ("tests/bench", "*_bench.c*"), ("tests/faults", "*.c"), ("tests/fuzz", "*.c")):
        for path in sorted((ROOT / folder).glob(files)):
            if not is_named(path, TEXTS[ROOT / folder / "meson.build"]):
                yield f"{path.relative_to(ROOT)} is not in {folder}/meson.build, so nothing runs it"


def headers():
    text = (ROOT / "libad/include/ad/ad.h").read_text()
    for path in sorted((ROOT / "libad/include/ad").glob("*.h")):
        if f"#include <ad/{path.name}>" not in text and path.stem not in INCLUDED_BY_OTHERS:
            yield f"libad/include/ad/{path.name} is not included in libad/include/ad/ad.h"


def main():
    found = [*sources(), *tests(), *headers()]
    print("\n".join(found) if found else "every source, test and header is in its list")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
