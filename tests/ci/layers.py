#!/usr/bin/env python3
"""No file reaches upwards: layers.py BUILD.

The layers of the library, from the lowest: kernels, array, tape, ops, io, bindings. A file includes headers of its own layer and of those below. So do
object files with what they need from others: an undefined symbol may be defined in the same layer or below, but for the operations listed in
libad/src/tape/operations.h. Above libad there are public headers only: libad-nn uses ad/, hyperopt ad/ and ad-nn/, examples all three.
A test uses more if its first comment says that it tests internals. At the end the check has to find two faults that it plants itself.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = TOP / "libad" / "src"
LAYERS = ["kernels", "array", "tape", "ops", "io", "bindings"]
# Public headers with what the lower layers themselves implement. Those of families are for ops and above.
PUBLIC = {
    "kernels": {"base"},
    "array": {"array", "base", "config", "error", "scope", "tree", "version"},
    "tape": {"array", "base", "call", "config", "each", "error", "inspect", "primitive", "scope", "signature", "transform", "tree"},
}
# Parts above libad: their folder, and the public headers that they may use.
CLIENTS = {
    "libad-nn": ["ad", "ad-nn"],
    "hyperopt": ["ad", "ad-nn", "hyperopt"],
    "examples": ["ad", "ad-nn", "hyperopt"],
    "tests": ["ad", "ad-nn", "hyperopt"],
}
faults = []


def files_under(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h", ".cc", ".hpp", ".inc", ".def"))


def includes(path):
    return re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', path.read_text(), re.M)


def read_list():
    """The operations that the engine calls, and the files of tape/ that are above it."""
    text = (SOURCES / "tape" / "operations.h").read_text().split("*/")[0]
    listed = re.findall(r"^ \*     (ad_\w+)", text, re.M)
    above = re.findall(r"(\w+)\.c", text[text.index("The files"):])
    return set(listed), set(above)


def layer_of(path_parts, above):
    """Where a file or an object stands: its rank, and its layer's name."""
    layer = path_parts[0]
    if layer == "tape" and path_parts[-1].split(".")[0] in above:
        layer = "ops"
    return LAYERS.index(layer), layer


def check_includes(above, sources=SOURCES):
    for path in files_under(sources):
        parts = path.relative_to(sources).parts
        rank, layer = layer_of(parts, above)
        for name in includes(path):
            folder = name.split("/")[0]
            if folder in LAYERS and LAYERS.index(folder) > rank:
                faults.append(f"{path.relative_to(sources)} includes {name}, of a layer above {layer}")
            elif folder == "ad" and layer in PUBLIC and name[3:].split(".")[0] not in PUBLIC[layer] and parts[-1] != "operations.h":
                faults.append(f"{path.relative_to(sources)} includes {name}, which {layer} does not need to know")


def is_internal(path, name, part):
    source = TOP / part / "src"
    return any((base / name).is_file() and source in (base / name).resolve().parents for base in (source, path.parent))


def check_clients():
    for folder, public in CLIENTS.items():
        for path in files_under(TOP / folder):
            first = path.read_text()[:1500].split("*/")[0]
            if folder == "tests" and re.search(r"\binternals?\b", first):
                continue
            for name in includes(path):
                inside = [path.parent / name, TOP / folder / "src" / name, TOP / folder / name]
                if name.split("/")[0] in public or any(p.is_file() and TOP / folder in p.resolve().parents for p in inside):
                    continue
                if name.split("/")[0] in LAYERS or any(is_internal(path, name, part) for part in ("libad", "libad-nn", "hyperopt")):
                    faults.append(f"{path.relative_to(TOP)} includes {name}, which is not public")


def objects(folders):
    """The object files of libad, with the parts of the path of their source."""
    for path in sorted(path for folder in folders for path in folder.rglob("*.o")):
        parts = path.name.split(".")[0].split("_")
        if parts[0] == "src" and parts[1] in LAYERS:
            yield path, parts[1:]


def check_symbols(folders, listed, above):
    defined, needed, called = {}, [], set()
    for path, parts in objects(folders):
        # src_tape_fixed_point.c.o: the file's name is what follows the folder
        rank, layer = layer_of([parts[0], "_".join(parts[1:])], above)
        for line in subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines():
            kind, symbol = line.split()[-2:]
            if kind == "U":
                needed.append((path, rank, layer, symbol))
            elif kind in "BCDGRSTVW":
                defined[symbol] = rank
    if not defined:
        faults.append(f"{folders[0]} has no object files")
    for path, rank, layer, symbol in needed:
        if defined.get(symbol, 0) <= rank:
            continue
        if layer == "tape" and symbol in listed:
            called.add(symbol)
        else:
            faults.append(f"{path.name} needs {symbol}, which {LAYERS[defined[symbol]]} defines, above {layer}")
    for symbol in sorted(listed - called):
        faults.append(f"libad/src/tape/operations.h lists {symbol}, which the engine does not call")
    return len(needed)


def planted_faults(folders, listed, above):
    """What is found where a kernel includes an array, and array/ calls an operation."""
    before = len(faults)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "kernels").mkdir()
        (root / "kernels" / "planted.c").write_text('#include "array/array.h"\n')
        source = root / "array" / "planted.c"
        source.parent.mkdir()
        source.write_text("void *ad_mul(void *, void *);\nvoid *ad_planted(void);\nvoid *ad_planted(void) { return ad_mul(0, 0); }\n")
        subprocess.run(["cc", "-c", source, "-o", root / "src_array_planted.c.o"], check=True)
        check_includes(above, root)
        check_symbols(folders + [root], listed, above)
    found = [fault for fault in faults[before:] if "planted" in fault]
    del faults[before:]
    return found


def main():
    listed, above = read_list()
    folders = [pathlib.Path(sys.argv[1]) / "libad"]
    check_includes(above)
    check_clients()
    count = check_symbols(folders, listed, above)
    planted = planted_faults(folders, listed, above)
    if len(planted) != 2:
        faults.append(f"of two planted faults {len(planted)} were found: {planted}")
    for fault in sorted(set(faults)):
        print(fault)
    print(f"layers: {count} needed symbols, {len(set(faults))} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
