#!/usr/bin/env python3
"""The format of the sources: format.py [FILE...]; without files all of the repository.

clang-format, with the file in the root, decides how a line is indented and where blanks stand in it. The hand decides where lines break and how comments
and tables are aligned, so the words of a file are compared with those that clang-format would write, and the indentation of the lines that both have.
Left out are blanks about which clang-format errs, for it takes names of macros and generic selections for something else: around * & : ( ).
Beyond that no line is longer than 160 columns, but for those that a table or an address needs, and none has a tab or ends with a blank.
This is asked of the three src folders.

Everywhere a macro has at most ten lines. Longer code for several types is an include file, or a function that a short macro calls, so that it has line
numbers and breakpoints. A comment on lines of its own keeps within 120 columns. Rows of data are as long as they are: a macro whose lines are calls of a parameter, or the elements of a list.
A source of the libraries has at most 600 lines; what is generated says so in its first line and may have more.
"""
import concurrent.futures
import difflib
import itertools
import os
import re
import subprocess
import sys

SUFFIXES = (".c", ".h", ".cc", ".hpp", ".inc", ".def")
FOLDERS = ("libad/src/", "libad-nn/src/", "hyperopt/src/")
LIBRARIES = ("libad/", "libad-nn/", "hyperopt/")
WIDEST = 160
WIDEST_COMMENT = 120
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?P<comment>/\*.*?\*/|//[^\n]*)', re.S)
LONGEST = 600
LONGEST_MACRO = 10


def without_includes(text):
    """Their order follows their meaning where clang-format does not know it: a file's own header is not always the first."""
    return re.sub(r"^\s*#\s*include.*\n", "", text, flags=re.M)


def words(text):
    text = re.sub(r"\\\n", "\n", text)
    text = re.sub(r",(\s*})", r"\1", text)
    text = re.sub(r"[ \t\n]*([*&:()]|\+\+|\*/)[ \t\n]*", r"\1", text)
    text = re.sub(r"\{[ \t\n]*\}", "{}", text)
    return text.split()


def long_comments(text):
    """Lines of comments that begin a line; those behind code are part of its lines."""
    for match in COMMENT.finditer(text):
        begin = text.rfind("\n", 0, match.start()) + 1
        if not match["comment"] or text[begin:match.start()].strip():
            continue
        for number, line in enumerate(text[begin:match.end()].split("\n"), text.count("\n", 0, begin) + 1):
            if len(line) > WIDEST_COMMENT:
                yield number, f"a comment of {len(line)} columns"


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


def macros(lines):
    """Of each: its first line, its name, its parameters, and its lines without the marks of continuation, the first without what it defines."""
    i = 0
    while i < len(lines):
        start, found = i, re.match(r"\s*#\s*define\s+(\w+)(?:\(([^)]*)\))?", lines[i])
        i += 1
        if not found:
            continue
        body = [lines[start][found.end():]]
        while body[-1].endswith("\\") and i < len(lines):
            body.append(lines[i])
            i += 1
        yield start + 1, found.group(1), [word.strip() for word in (found.group(2) or "").split(",")], [line.rstrip("\\").strip() for line in body]


def outermost(text):
    """The text with @ for each group in parentheses, {} for each in braces, and without literals."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "0", text)
    while True:
        shorter = re.sub(r"\{[^(){}]+\}", "{}", re.sub(r"\([^()]*\)", "@", text))
        if shorter == text:
            return text
        text = shorter


def is_table(parameters, body):
    """Whether each line is one call of a parameter or more, or all are elements of a list."""
    rows = [outermost(line) for line in body if line]
    if all(re.fullmatch(r"(\w+@[\s,]*)+", row) for row in rows):
        return all(name in parameters for row in rows for name in re.findall(r"(\w+)@", row))
    return all(row.endswith(",") for row in rows[:-1]) and not re.search(r"[;=@]", " ".join(rows))


def size(path):
    """What is too long in a file: macros, comments, and the file."""
    with open(path) as file:
        lines = file.read().split("\n")
    faults = [(number, f"{name}, a macro of {len(body)} lines: an include file or a function has them")
              for number, name, parameters, body in macros(lines) if len(body) > LONGEST_MACRO and not is_table(parameters, body)]
    faults += long_comments("\n".join(lines))
    count = len(lines) - 1
    if path.startswith(LIBRARIES) and count > LONGEST and "enerated" not in lines[0]:
        faults.append((count, f"{count} lines"))
    return path, faults


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    files = sys.argv[1:] or subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    files = [name for name in files if name.endswith(SUFFIXES)]
    formatted = [name for name in files if sys.argv[1:] or name.startswith(FOLDERS)]
    count = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, faults in itertools.chain(map(size, files), pool.map(check, formatted)):
            count += len(faults)
            for line, fault in faults:
                print(f"{path}:{line}: {fault}" if line else f"{path}: {fault}")
    print(f"format: {len(files)} files, {len(formatted)} of them with clang-format, {count} faults")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
