#!/usr/bin/env python3
"""The format of the libraries' sources: format.py [FILE...]; without files all of the three src folders.

clang-format, with the file in the root, decides how a line is indented and where blanks stand in it. The hand decides where lines break and how comments
and tables are aligned, so the words of a file are compared with those that clang-format would write, and the indentation of the lines that both have.
Left out are blanks about which clang-format errs, for it takes names of macros and generic selections for something else: around * & : ( ).
Beyond that no line is longer than 160 columns, but for those that a table or an address needs, and none has a tab or ends with a blank.
"""
import concurrent.futures
import difflib
import os
import re
import subprocess
import sys

SUFFIXES = (".c", ".h", ".cc", ".hpp", ".inc", ".def")
FOLDERS = ("libad/src/", "libad-nn/src/", "hyperopt/src/")
WIDEST = 160


def without_includes(text):
    """Their order follows their meaning where clang-format does not know it: a file's own header is not always the first."""
    return re.sub(r"^\s*#\s*include.*\n", "", text, flags=re.M)


def words(text):
    text = re.sub(r"\\\n", "\n", text)
    text = re.sub(r",(\s*})", r"\1", text)
    text = re.sub(r"[ \t\n]*([*&:()]|\+\+|\*/)[ \t\n]*", r"\1", text)
    text = re.sub(r"\{[ \t\n]*\}", "{}", text)
    return text.split()


def check(path):
    with open(path) as file:
        text = file.read()
    faults = []
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line or line != line.rstrip():
            faults.append((number, "a tab, or a blank at the end"))
        if len(line) > WIDEST:
            faults.append((number, f"{len(line)} columns"))
    if text and not text.endswith("\n"):
        faults.append((text.count("\n") + 1, "no end of the last line"))
    run = subprocess.run(["clang-format", path], capture_output=True, text=True)
    if run.returncode:
        return path, faults + [(1, run.stderr)]
    mine, formatted = words(without_includes(text)), words(without_includes(run.stdout))
    if mine != formatted:
        for tag, i, end, j, other_end in difflib.SequenceMatcher(None, mine, formatted, autojunk=False).get_opcodes():
            if tag != "equal":
                faults.append((0, f"{' '.join(mine[max(0, i - 3):end + 3])}   should be   {' '.join(formatted[max(0, j - 3):other_end + 3])}"))
    return path, faults if path.endswith((".hpp", ".cc")) else faults + indentation(text.split("\n"), run.stdout.split("\n"))


def indentation(mine, formatted):
    """Of lines that are the first of a statement on both sides: those that end the line before."""
    faults = []
    plain = [line.strip() for line in mine]
    matcher = difflib.SequenceMatcher(None, plain, [line.strip() for line in formatted], autojunk=False)
    for i, j, count in matcher.get_matching_blocks():
        for k in range(count):
            a, b = mine[i + k], formatted[j + k]
            before = mine[i + k - 1].rstrip() if i + k else ""
            if a != b and before.endswith((";", "{", "}")) and not a.rstrip().endswith("\\") and plain[i + k][:2] not in ("/*", "//", "* ", "{ ", "{"):
                faults.append((i + k + 1, f"indented by {len(a) - len(a.lstrip())}, not by {len(b) - len(b.lstrip())}"))
    return faults


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    files = sys.argv[1:] or subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    files = [name for name in files if name.endswith(SUFFIXES) and (sys.argv[1:] or name.startswith(FOLDERS))]
    count = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, faults in pool.map(check, files):
            count += len(faults)
            for line, fault in faults:
                print(f"{path}:{line}: {fault}" if line else f"{path}: {fault}")
    print(f"format: {len(files)} files, {count} faults")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
