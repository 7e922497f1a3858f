"""The results of compare.py as text and as the figures and pictures of docs/performance.md.

The page is written by hand but for what stands between <!-- begin NAME --> and <!-- end NAME -->: NAME is one of the functions in BLOCKS.
"""
import os
import re
import subprocess

TITLES = {
    "scalar": "Scalars", "growth": "Growth of loops and orders", "elementwise": "Elementwise functions", "chain": "A chain of elementwise operations",
    "moves": "Reductions and moves of 10^6 numbers", "fft": "Fourier transforms", "products": "Matrix products", "linalg": "Linear algebra", "mlp": "Networks",
    "adbench": "ADBench", "lstm": "LSTM of ADBench",
    "gradbench": "Evaluations of GradBench", "nested": "Gradients within gradients", "resources": "Memory and threads",
    "hyperopt": "Hypergradients", "hyperopt_core": "The integer core of hyperopt",
}

# What was changed, and the row, or case of instructions, that shows it.
CHANGES = [
    ("Cotangents of elements are added in place", "growth: gradient of a loop over elements, n = 10000"),
    ("The same of slices", "growth: gradient of a loop over slices, n = 10000"),
    ("The same of rows", "growth: gradient of a loop over rows, n = 10000"),
    ("The same of what was unstacked", "growth: gradient of a loop over what was unstacked, n = 10000"),
    ("Sweeps of updates change their cotangent in place", "growth: gradient of a loop that sets elements, n = 10000"),
    ("Names of trees are hashed", "growth: gradient of a loop over names of a tree, n = 10000"),
    ("The cache evicts what was used least recently", "growth: chain, float64, n = 1000000, gradient"),
    ("Forward mode takes the short way over scalars", "an operation on scalars, forward"),
    ("Forward over reverse too", "an operation on scalars, forward over reverse"),
    ("Rules on scalars are learnt once, and repeated on doubles", "Taylor's sine, gradient"),
    ("The same at second order", "Taylor's sine, second derivative, reverse over reverse"),
    ("A direct way for small arrays of one shape", "an operation on 14 doubles, value"),
    ("The same with the gradient", "an operation on 14 doubles, gradient"),
    ("Four operations on ten elements", "four operations on 10 elements"),
    ("Fixed cost of a gradient", "a call of ad_grad(x * x + x)"),
    ("Fixed cost of a forward derivative", "a call of ad_deriv(x * x + x)"),
    ("Lists take no names", "a call of ad_list_of(x, x)"),
    ("An index by a number", "a call of ad_at(x, \"%d\", i)"),
    ("The same, an LSTM", "LSTM, 2 layers, length 1024, gradient"),
    ("Gradients within gradients", "particle, rr"), ("The same, forward over forward", "particle, ff"), ("The same of a saddle", "saddle, rr"),
    ("The same of a saddle, forward over forward", "saddle, ff"),
    ("Slopes in one pass", "gradient of the sum of tanh"), ("The same for sigmoid", "gradient of the sum of sigmoid"),
    ("Extrema hand their cotangent to the places that attain them", "gradient of max"), ("The same in log-sum-exp", "gradient of log-sum-exp"),
    ("Sorting", "sort"), ("Sorting columns", "sort, axis 0"), ("argsort", "argsort"), ("nonzero", "nonzero"), ("all and any end early", "any, found at once"),
    ("Norm", "norm"), ("Setting rows", "set rows"), ("repeat", "repeat"), ("pad", "pad"), ("Scatter-add", "scatter-add"),
    ("argmax along rows", "argmax, axis 1"), ("Maxima of columns", "max, axis 0"), ("Maxima", "max"), ("Variance", "var"),
    ("Sum over axis 0 of a wide matrix", "sum, axis 0 of 100 x 10000"),
    ("Transposed copies", "transposed copy"), ("Masks", "mask"), ("cumsum", "cumsum"), ("x ** 0.5", "x ** 0.5"), ("astype int64", "astype int64"),
    ("Products with few columns", "(1000,1000,4) @ (4,3)"), ("The best BLAS that is installed", "growth: product, n = 1024"),
    ("Stacks of small matrices", "a stack of 1000, n = 8"),
]


# ---- numbers ----


def seconds(value):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def measured(piece):
    percent = 50 * (piece["high"] - piece["low"]) / piece["seconds"] if piece["seconds"] else 0
    return f"{seconds(piece['seconds'])} ±{percent:.0f} %"


def ratio(piece):
    low, high = number(piece["ratio_low"]), number(piece["ratio_high"])
    return number(piece["ratio"]) + (f" ({low} to {high})" if low != high else "")


def verdict(value, aim):
    return "" if not aim else "met" if value <= aim else "missed"


def number(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def comparisons(results):
    """(program, row, first piece, peer piece) of what can be compared; a peer that computes something else is left out."""
    for row in results["rows"]:
        for piece in row["pieces"][1:]:
            if not piece["differs"] and piece["who"] != "before":
                yield row["program"], row["row"], row["pieces"][0], piece


def figures(results):
    for row in results["rows"]:
        for who, figure in row["figures"].items():
            if who == "libad":
                others = [f"{other} {number(f['value'])}" for other, f in row["figures"].items() if other not in ("libad", "before")]
                yield row["program"], row["row"], figure, ", ".join(others)


def judged(results):
    """(program, name, value, aim) of everything that has an aim."""
    for program, row, _, piece in comparisons(results):
        if piece["aim"]:
            yield program, f"{row}: over {piece['who']}", piece["ratio"], piece["aim"]
    for program, row, figure, _ in figures(results):
        if figure["aim"]:
            yield program, row + " (" + figure["unit"] + ")", figure["value"], figure["aim"]
    for entry in results["instructions"].values():
        if entry["aim"] and "now" in entry:
            yield "instructions", entry["name"] + " (instructions)", entry["now"], entry["aim"]


# ---- blocks ----


def text_of_head(results):
    head = results["head"]
    facts = dict(line.split(": ", 1) for line in head["libad"].splitlines() if ": " in line)
    lines = [f"| | |\n|---|---|\n| processor | {head['processor']}, {head['cores']} cores |"]
    lines += [f"| {name} | {facts[name]} |" for name in ("compiler", "instruction set", "memory", "products", "LAPACK") if name in facts]
    lines += [f"| peers | {', '.join(head['peers']) or 'none'}; each on one thread |"]
    lines += [f"| turns | {head['rounds']} rounds of {head['repeats']} turns of each piece; ± is half the distance of the quartiles |"]
    return "\n".join(lines)


def summary(results):
    lines, met, missed = ["| | aims met |", "|---|---|"], {}, []
    for program, name, value, aim in judged(results):
        count = met.setdefault(program, [0, 0])
        count[0] += value <= aim
        count[1] += 1
        if value > aim:
            missed.append((value / aim, name, value, aim))
    for program, (good, all_) in met.items():
        lines.append(f"| {TITLES.get(program, 'Instructions')} | {good} of {all_} |")
    if missed:
        lines += ["", "Missed, the farthest first:", "", "| | value | aim |", "|---|---:|---:|"]
        lines += [f"| {name} | {number(value)} | {number(aim)} |" for _, name, value, aim in sorted(missed, reverse=True)]
    return "\n".join(lines)


def tables(results):
    parts = []
    for program, title in TITLES.items():
        lines = []
        rows = [(row, first, piece) for p, row, first, piece in comparisons(results) if p == program]
        if rows:
            lines += ["| | libad | compared with | | ratio | aim | |", "|---|---:|---|---:|---:|---:|---|"]
            for row, first, piece in rows:
                between = ratio(piece)
                aim = number(piece["aim"]) if piece["aim"] else ""
                lines.append(f"| {row.removeprefix('growth: ')} | {measured(first)} | {piece['who']} | {measured(piece)} | {between} | {aim} "
                             f"| {verdict(piece['ratio'], piece['aim'])} |")
        alone = [row for row in results["rows"] if row["program"] == program and sum(p["who"] != "before" for p in row["pieces"]) == 1]
        if alone:
            lines += ["", "| alone | |", "|---|---:|"] + [f"| {row['row'].removeprefix('growth: ')} | {measured(row['pieces'][0])} |" for row in alone]
        of_program = [entry for entry in figures(results) if entry[0] == program]
        if of_program:
            lines += ["", "| | value | others | aim | |", "|---|---:|---|---:|---|"]
            lines += [f"| {row} | {number(f['value'])} {f['unit']} | {others} | {number(f['aim']) if f['aim'] else ''} | {verdict(f['value'], f['aim'])} |"
                      for _, row, f, others in of_program]
        lines += [f"\n{row['row']}: skipped, {row['skipped']}" for row in results["rows"] if row["program"] == program and "skipped" in row]
        if lines:
            parts.append(f"<details><summary>{title}</summary>\n\n" + "\n".join(lines).strip() + "\n\n</details>")
    return "\n\n".join(parts)


def text_of_instructions(results):
    cases = results["instructions"]
    has_before = any("before" in entry for entry in cases.values())
    lines = ["| | instructions |" + (" before |" if has_before else "") + " aim | |", "|---|---:|" + ("---:|" if has_before else "") + "---:|---|"]
    for entry in cases.values():
        if "now" in entry:
            before = f" {number(entry['before'])} |" if "before" in entry else " |" if has_before else ""
            lines.append(f"| {entry['name']} | {number(entry['now'])} |{before} {number(entry['aim']) if entry['aim'] else ''} "
                         f"| {verdict(entry['now'], entry['aim'])} |")
    for entry in cases.values():
        if entry.get("now_functions"):
            lines += ["", f"Functions of *{entry['name']}*, themselves, without what they call:", "", "| function | instructions | share |", "|---|---:|---:|"]
            lines += [f"| `{name}` | {count:.0f} | {100 * count / entry['now']:.0f} % |" for name, count in entry["now_functions"] if count >= 0.5]
    return "\n".join(lines)


def changes(results):
    rows = {row["row"]: {p["who"]: p for p in row["pieces"]} for row in results["rows"]}
    cases = {entry["name"]: entry for entry in results["instructions"].values()}
    lines = ["| | shown by | before | now | before over now |", "|---|---|---:|---:|---:|"]
    for title, row in CHANGES:
        pieces = rows.get(row, {})
        if "before" in pieces:
            now, before = next(iter(pieces.values())), pieces["before"]
            cells = (measured(before), measured(now), before["seconds"] / now["seconds"])
        elif "before" in cases.get(row, {}):
            entry = cases[row]
            cells = (f"{number(entry['before'])} instructions", f"{number(entry['now'])} instructions", entry["before"] / entry["now"])
        else:
            continue
        lines.append(f"| {title} | {row.removeprefix('growth: ')} | {cells[0]} | {cells[1]} | {cells[2]:.3g} |")
    return "\n".join(lines) if len(lines) > 2 else "No earlier version was measured beside this one."


BLOCKS = {"head": text_of_head, "summary": summary, "tables": tables, "instructions": text_of_instructions, "changes": changes}


def text(results):
    return "\n\n".join(block(results) for block in BLOCKS.values())


# ---- pictures ----


def points(results, pattern):
    """{who: {x: seconds}} of the rows that match, whose last group is x."""
    curves = {}
    for row in results["rows"]:
        found = re.fullmatch(pattern, row["row"])
        for piece in row["pieces"] if found else []:
            if not piece.get("differs"):
                curves.setdefault(piece["who"], {})[int(found[1])] = piece["seconds"]
    return curves


def picture(program, prefix, panels, script):
    """Draws curves {name: {x: y}}, those of all panels in one table, x first; `script` takes the columns as they come."""
    names = [name for panel in panels for name in panel]
    places = sorted({x for panel in panels for curve in panel.values() for x in curve})
    rows = [[x] + [curve.get(x, float("nan")) for panel in panels for curve in panel.values()] for x in places]
    if not places or not os.path.exists(program):
        return
    numbers = "\n".join(" ".join(repr(float(v)) for v in row) for row in rows)
    subprocess.run([program, prefix, ",".join(["x", *names]), script], input=numbers, text=True, check=True, stdout=subprocess.DEVNULL)
    os.remove(prefix + ".csv")


LOG = "set logscale xy\nset format x '10^{%L}'\nset format y '10^{%L}'\nset grid xtics ytics\nset datafile missing 'nan'\n"


def curves_of(first, names, colours):
    """A plot of the columns from the first on, each in the colour of its name."""
    each = [f"DATA using 1:{first + k} with linespoints pt 7 ps 0.7 lt {colours.index(name) + 1} title '{name}'" for k, name in enumerate(names)]
    return "plot " + ", ".join(each) + "\n"


def grid_of(panels, titles, layout, title, x, y, key="inside top right"):
    """Panels of curves with the same axes, and one colour for each name in all of them; the key stands in the first, at `key`."""
    colours = list(dict.fromkeys(name for panel in panels for name in panel))
    heights = [y for panel in panels for curve in panel.values() for y in curve.values()]
    script, column = LOG + f"set multiplot layout {layout} title '{title}' font ',15'\nset lmargin 10\n", 2
    if heights:
        script += f"set yrange [{min(heights) / 1.5:g}:{max(heights) * 1.5:g}]\n"
    for place, (panel, panel_title) in enumerate(zip(panels, titles)):
        script += f"set key {key} vertical Left reverse samplen 1.5 opaque\n" if place == 0 else "unset key\n"
        script += f"set title '{panel_title}'\nset ylabel '{y}'\nset xlabel '{x}'\n" + curves_of(column, panel, colours)
        column += len(panel)
    return script + "unset multiplot"


def per_element(curves, factor=1e9):
    return {who: {n: factor * t / n for n, t in curve.items()} for who, curve in curves.items()}


def pictures(results, program, folder):
    os.makedirs(folder, exist_ok=True)
    panels = [per_element(points(results, rf"growth: chain, {dtype}, n = (\d+), {what}"))
              for what in ("value", "gradient") for dtype in ("float64", "float32")]
    picture(program, os.path.join(folder, "chain"), panels,
            grid_of(panels, ["float64, value", "float32, value", "float64, gradient", "float32, gradient"], "2,2", "sum(tanh(2x + 1) * exp(-x * x))",
                    "elements", "ns an element"))
    loops = {"operations": "of operations", "elements": "over elements", "slices": "over slices", "rows": "over rows",
             "unstacked": "over what was unstacked", "set elements": "that sets elements", "tree names": "over names of a tree"}
    both = {name: points(results, rf"growth: gradient of a loop {words}, n = (\d+)") for name, words in loops.items()}
    panels = [per_element({name: curves[who] for name, curves in both.items() if who in curves}) for who in ("before", "libad")]
    panels = [panel for panel in panels if panel]
    titles = ["before", "now"] if len(panels) == 2 else [""]
    picture(program, os.path.join(folder, "loops"), panels,
            grid_of(panels, titles, f"1,{len(panels)}", "Gradients of loops", "steps", "ns a step",
                    "at graph 1.02,0.45 right top font ',10.5'"))
    modes = {mode: points(results, rf"growth: Taylor's sine, {mode}, order = (\d+)") for mode in ("reverse over reverse", "forward over forward")}
    curves = {(mode if who == "libad" else mode + " before"): {n: 1e6 * t for n, t in curve.items()}
              for mode, by_who in modes.items() for who, curve in by_who.items()}
    script = (LOG + "unset logscale x\nset format x '%g'\nset xtics 1\nset title 'A derivative of the next order costs a constant factor'\n"
              "set key inside top left\nset key vertical Left reverse samplen 2\nset xlabel 'order'\nset ylabel 'microseconds'\n" + curves_of(2, curves, list(curves)))
    picture(program, os.path.join(folder, "orders"), [curves], script)
    curves = {who: {n: 2e-9 * n**3 / t for n, t in curve.items()} for who, curve in points(results, r"growth: product, n = (\d+)").items()}
    script = (LOG + "set title 'Products of square matrices'\nset key inside bottom right vertical Left reverse samplen 2\nset xlabel 'rows'\n"
              "set logscale x 2\nset format x '%g'\nset xrange [4:2048]\nset ylabel 'GFLOP/s'\n" + curves_of(2, curves, list(curves)))
    picture(program, os.path.join(folder, "products"), [curves], script)


def write(results, page, program):
    with open(page, encoding="utf-8") as file:
        content = file.read()
    for name, block in BLOCKS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin in content and end in content:
            before, rest = content.split(begin, 1)
            content = before + begin + "\n" + block(results) + "\n" + end + rest.split(end, 1)[1]
    with open(page, "w", encoding="utf-8") as file:
        file.write(content)
    pictures(results, program, os.path.splitext(page)[0])
