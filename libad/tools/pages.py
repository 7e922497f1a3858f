"""The reference: a page of docs/reference for each header, of what its header declares and says. Nothing is said here that a header does not say.

Functions that share a comment stand together. Short ones are rows of a table, others have a heading. Options stand at the end of a page, with their
defaults.
"""

import re

from declarations import declared, Function, LIBAD, Macro, Options, Text, Type

SHORT = 300  # characters of a comment that fits in a row


def escaped(text):
    """Text for a page. Names and calls become code; code in backticks and formulas stay as they are."""
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        part = re.sub(r"([*|\\])", r"\\\1", parts[i]).replace("<", "&lt;")
        parts[i] = re.sub(r"(?<![\w/.])((?:ad|adnn|hyper|AD|ADNN|HYPER)_\w+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*)", lambda m: f"`{unescaped(m[1])}`", part)
    return re.sub(r"(?<!\w)((?:Derivatives?|VJP|Errors)(?: of all)?:)", r"*\1*", "".join(parts))


def unescaped(text):
    return re.sub(r"\\([*|\\])", r"\1", text).replace("&lt;", "<")


def in_row(text):
    """The same in a cell of a table, where a bar ends a cell within code too."""
    text = re.sub(r"\s*\n\s*", " ", escaped(text))
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def paragraphs(doc):
    """Lines of a comment as Markdown: @param and @return become a list, indented lines code, and what begins with a word and a colon a paragraph."""
    lines, code = [], False
    for line in doc.split("\n"):
        if re.match(r"    +\S", line) and not (lines and lines[-1].startswith("- ")):
            if not code:
                lines += ["", "```c"]
            code = True
            lines.append(line[4:])
            continue
        if code and line.strip():
            lines += ["```", ""]
            code = False
        named = re.match(r"@param (\w+(?:, \w+)*)\s+(.*)", line)
        result = re.match(r"@return,?\s+(.*)", line)
        if named or result:
            if lines and lines[-1] and not lines[-1].startswith("- "):
                lines.append("")
            names = ", ".join(f"`{n}`" for n in named[1].split(", ")) if named else "gives"
            lines.append(f"- {names}: {escaped((named[2] if named else result[1]))}")
        elif lines and lines[-1].startswith("- ") and re.match(r"\s{4,}\S", line):
            lines[-1] += " " + escaped(line.strip())
        else:
            if lines and (lines[-1].startswith("- ") or re.match(r"(Derivatives?|VJP|Errors)\b[^.]*?:", line)) and line:
                lines.append("")
            lines.append(escaped(line))
    if code:
        lines.append("```")
    return lines


def call(function):
    """ad_sum(x, ...): as it is called, with dots for named options."""
    words = [p.name or "..." for p in function.parameters] + (["..."] if function.with_name else [])
    return f"{function.name}({', '.join(words)})"


def declaration(function):
    parameters = [p.declared for p in function.parameters]
    if function.takes_options:
        parameters.append(f"{function.options.name} options")
    elif function.with_name:
        parameters += [f".{f.name}" + (f" = {f.default}" if f.default else "") for f in function.options.fields]
    return declared(function.result, f"{function.name}({', '.join(parameters) or 'void'})") + ";"


def macro_call(macro):
    arguments = re.match(r"\([^)]*\)", macro.definition)
    return macro.name + (arguments[0] if arguments else "")


def groups(header):
    """What follows one another under one comment, as lists of one kind; a text is a list of itself."""
    group = []
    for item in header.items:
        if isinstance(item, Options) or isinstance(item, Macro) and (not item.doc or item.name.endswith("_")):
            continue
        if isinstance(item, Function) and item.options and not item.with_name and item.name.endswith("_with") and any(
            f.with_name == item.name for f in header.functions
        ):
            continue
        if group and (isinstance(item, Text) or not getattr(item, "doc", "") or type(item) is not type(group[0]) or item.doc != group[0].doc):
            yield group
            group = []
        if isinstance(item, Text) or item.doc:
            group.append(item)
    if group:
        yield group


def is_short(group):
    doc = group[0].doc
    return len(doc) <= SHORT and "@" not in doc and "\n\n" not in doc


def row(group):
    calls = [f"`{call(i) if isinstance(i, Function) else macro_call(i)}`" for i in group]
    names = options_of(group)
    links = "".join(f" [options](#{name})" for name in names)
    return f"| {', '.join(calls)}{links} | {in_row(group[0].doc)} |"


def options_of(group):
    """Names of the structs that the functions take, each once."""
    return list(dict.fromkeys(i.options.name for i in group if isinstance(i, Function) and i.options))


def entry(group):
    """A heading, the declarations, the words."""
    lines = ["### " + ", ".join(i.name for i in group), "", "```c"]
    lines += [declaration(i) if isinstance(i, Function) else i.text if isinstance(i, Type) else macro_call(i) for i in group]
    lines += ["```", ""] + paragraphs(group[0].doc)
    for name in options_of(group):
        lines += ["", f"[Options](#{name})"]
    return lines


def options_entry(options):
    lines = [f"### {options.name}", ""] + paragraphs(options.doc) + ["", f"| field | default | `{options.constant}_DEFAULTS` |", "|---|---|---|"]
    for f in options.fields:
        lines.append(f"| `{f.type}{'' if f.type.endswith('*') else ' '}{f.name}` | {f'`{f.default}`' if f.default else ''} | {in_row(f.doc)} |")
    return lines


def page(header):
    lines = [f"# {header.name}", ""] + paragraphs(header.doc)
    table = False
    for group in groups(header):
        first = group[0]
        short = not isinstance(first, (Text, Type)) and is_short(group)
        if short and not table:
            lines += ["", "| | |", "|---|---|"]
        table = short
        if isinstance(first, Text):
            lines += ([""] + [f"## {first.title}"] if first.title else []) + ([""] + paragraphs(first.text[0].upper() + first.text[1:]) if first.text else [])
        elif short:
            lines.append(row(group))
        else:
            lines += [""] + entry(group)
    if header.options:
        lines += ["", "## Options"]
        for options in header.options:
            lines += [""] + options_entry(options)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def title_of(header):
    """The first sentence of the header's comment."""
    return re.match(r"(.*?)\.(?:\s|$)", header.doc.replace("\n", " ") + " ")[1]


# Headers that are about macros or include the others.
NOT_PAGES = {"ad", "call", "each", "signature", "version"}


def pages(libraries):
    """Name and text of every page; those of another library than libad stand in a folder named like that of its headers."""
    index = ["# Reference", "", "A page for each header, written by `libad/tools/generate.py` from what the header says.", "", "| header | |", "|---|---|"]
    for header in (h for headers in libraries for h in headers if h.family not in NOT_PAGES):
        name = f"{header.family}.md" if header.library is LIBAD else f"{header.name[:-2]}.md"
        index.append(f"| [{header.name}]({name}) | {in_row(title_of(header))} |")
        yield name, page(header)
    yield "README.md", "\n".join(index) + "\n"
