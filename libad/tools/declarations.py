"""The declarations of the public headers, as data: what is generated is derived from them.

    for header in read_all_headers():
        for function in header.functions:
            print(function.name, function.parameters, function.options)

This reads the C of our headers, not any C. A declaration is AD_API up to a semicolon, or a typedef of a struct. A doc comment belongs to what
follows it, up to the next doc comment or empty line, so that ad_sum and ad_sum_with share one. Names that end with an underscore are the macros' own
and are left out.
"""

import pathlib
import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Library:
    folder: pathlib.Path  # "libad"
    include: str  # "ad": its headers are ad/FAMILY.h
    prefix: str  # of its functions, "ad_"
    sources: str  # where generated C goes: "src/ops"

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def headers(self) -> pathlib.Path:
        return self.folder / "include" / self.include


LIBAD = Library(ROOT / "libad", "ad", "ad_", "src/ops")
# Headers of libad without operations on arrays: what they have in common is left to the tests, to C++ and to whoever writes bindings.
MACHINERY = {"ad", "array", "base", "bindings", "call", "config", "dlpack", "each", "error", "inspect", "io", "primitive", "scope", "signature", "transform",
             "tree", "version"}
LIBRARIES = [LIBAD, Library(ROOT / "libad-nn", "ad-nn", "adnn_", "src"), Library(ROOT / "hyperopt", "hyperopt", "hyper_", "src")]


def declared(type_: str, name: str) -> str:
    """A type and a name in C: "void (*f)(void)", "ad_array *x", "int n"."""
    if "(*)" in type_:
        return type_.replace("(*)", f"(*{name})")
    return type_ + name if type_.endswith("*") else f"{type_} {name}".strip()


@dataclass
class Parameter:
    type: str  # "ad_array *", "int64_t"; "..." for what a variadic function takes
    name: str  # "" for "..."

    @property
    def declared(self) -> str:
        """As a declaration has it."""
        return declared(self.type, self.name)

    @property
    def is_operand(self) -> bool:
        """An array or, by the macros, a C number."""
        return self.type == "ad_array *"


@dataclass
class Field:
    type: str
    name: str
    default: Optional[str]  # a C expression, None where it is zero: false, NULL, an empty list
    doc: str


@dataclass
class Options:
    name: str  # "ad_reduce_options"
    family: str
    doc: str
    fields: List[Field]  # without ad_unused_
    named: bool  # AD_NAMED_: macros take them by name alone

    @property
    def constant(self) -> str:
        """AD_REDUCE of AD_REDUCE_DEFAULTS, the constant with the defaults."""
        return self.name[: -len("_options")].upper()


@dataclass
class Function:
    name: str  # "ad_sum"
    family: str  # "reduce": the header without .h
    section: str  # the last "---- Title ----" above it
    result: str  # "ad_array *", "void (*)(void)"
    parameters: List[Parameter]  # without options
    doc: str  # of the comment, without its marks; lines are kept
    options: Optional[Options] = None  # of ad_sum_with, and of ad_sum, which has their defaults
    with_name: Optional[str] = None  # of ad_sum: "ad_sum_with", the function that takes the options
    attributes: str = ""  # what stands behind the parameters

    @property
    def takes_options(self) -> bool:
        """Whether the struct of options is a parameter: of ad_sum_with, not of ad_sum."""
        return self.options is not None and not self.with_name

    @property
    def is_variadic(self) -> bool:
        return any(p.type == "..." for p in self.parameters)


@dataclass
class Macro:
    name: str
    definition: str  # what follows the name: "(x) AD_CALL_A_(ad_add, x)"
    doc: str
    section: str


@dataclass
class Type:
    name: str
    text: str  # as the header has it
    doc: str


@dataclass
class Text:
    title: str  # of a section, or ""
    text: str


@dataclass
class Header:
    family: str
    library: Library
    doc: str  # of the comment at its top
    items: list = field(default_factory=list)  # Function, Options, Macro, Type and Text, as they follow one another

    @property
    def name(self) -> str:
        """As it is included: "ad/reduce.h"."""
        return f"{self.library.include}/{self.family}.h"

    @property
    def path(self) -> pathlib.Path:
        return self.library.headers / f"{self.family}.h"

    @property
    def is_machinery(self) -> bool:
        return self.library is LIBAD and self.family in MACHINERY

    def of(self, kind):
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def functions(self) -> List[Function]:
        return self.of(Function)

    @property
    def options(self) -> List[Options]:
        return self.of(Options)

    @property
    def macros(self) -> Dict[str, Macro]:
        return {macro.name: macro for macro in self.of(Macro)}


def text_of(comment: str) -> str:
    """The words of a comment."""
    lines = comment.strip()[2:-2].lstrip("*<").split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line) if i else line for i, line in enumerate(lines)).strip()


def split_declarator(text: str) -> Parameter:
    """A type and a name: "ad_array *const *operands" or "void (*release)(void *ctx)"."""
    text = re.sub(r"\s+", " ", text).strip()
    if text == "...":
        return Parameter("...", "")
    pointer = re.match(r"([^()]*\(\*)(\w+)(\).*)$", text)
    if pointer:
        return Parameter(pointer[1] + pointer[3], pointer[2])
    type_, name, array = re.match(r"(.*?)(\w+)((?:\[[^\]]*\])*)$", text).groups()
    return Parameter(type_.strip() + array, name)


def split_arguments(text: str) -> List[str]:
    """The parts between commas outside parentheses and braces."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in "({") - (c in ")}")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return [p for p in (p.strip() for p in parts) if p and p != "void"]


def read_fields(body: str) -> List[Field]:
    """The fields of a struct. A comment that begins with "= VALUE" gives the default, up to ": " or "; "; "= 0, 1" those of several in a line."""
    fields = []
    for declared, comment in re.findall(r"([^;]+);[ \t]*(/\*\*<.*?\*/)?", re.sub(r"/\*(?!\*<).*?\*/", "", body, flags=re.S), re.S):
        doc = re.sub(r"\s*\n\s*", " ", text_of(comment)) if comment else ""
        given = re.match(r"= (.+?)(?:[:;] (.*)|$)", doc, re.S)
        defaults = split_arguments(given[1]) if given else []
        first, *others = split_arguments(declared)
        first = split_declarator(first)
        for i, name in enumerate([first.name] + [other.lstrip("*") for other in others]):
            if name != "ad_unused_":
                fields.append(Field(first.type, name, defaults[min(i, len(defaults) - 1)] if defaults else None, (given[2] or "") if given else doc))
    return fields


ITEM = re.compile(
    r"""/\*\ ----\ (?P<title>[^;:.\n-]+?)(?=[;:.\n]|\ ----)(?P<about>.*?)\*/
      | (?P<comment>/\*.*?\*/)
      | (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
      | (?P<type>^typedef\ (?:struct|enum)\ \w+\ \{(?P<fields>(?:[^{}]|\{[^{}]*\})*)\}\s*(?P<named>AD_NAMED_\s+)?(?P<struct>\w+);)
      | (?P<other_type>^typedef\ [^;{]*?\(?\*?(?P<typename>\w+)\)?(?:\([^;]*\))?;)
      | ^AD_API\s+(?P<pointer>\w+\ \(\*(?P<pointing>\w+)\((?P<of>[^()]*)\)\)\([^()]*\));
      | ^AD_API\s+extern\b[^;]*;
      | ^AD_API\s+(?P<result>[\w\s]+?[\s*]+)(?P<name>\w+)\((?P<parameters>(?:[^();]|\((?:[^();]|\([^()]*\))*\))*)\)(?P<attributes>[^;]*);
      | (?P<gap>\n[ \t]*\n)
      | (?P<other>[^\n]+|\n)""",
    re.X | re.S | re.M,
)


def read_function(item, header, section, doc) -> Function:
    name = item["name"] or item["pointing"]
    parameters = [split_declarator(p) for p in split_arguments(item["parameters"] or item["of"] or "")]
    result = re.sub(r"\s+", " ", item["result"] or item["pointer"].replace(f"{name}({item['of']})", "")).strip()
    return Function(name, header.family, section, result, parameters, doc, attributes=(item["attributes"] or "").strip())


def read_header(path: pathlib.Path, library: Library) -> Header:
    header = Header(path.stem, library, "")
    doc = section = ""
    used = True  # whether something has taken the doc comment
    for item in ITEM.finditer(path.read_text()):
        found = None
        if item["title"]:
            doc, section = "", item["title"]
            about = text_of("/* " + item["about"] + "*/")
            found = Text(section, re.sub(r"^[;:.] ", "", about).replace(" ----", "").replace("----", "").strip())
        elif item["comment"]:
            if not header.doc:
                header.doc = text_of(item["comment"])
            doc, used = (text_of(item["comment"]), False) if item["comment"].startswith("/**") else ("", True)
        elif item["directive"]:
            macro = re.match(r"\s*#\s*define\s+(\w+)(.*)", item["directive"], re.S)
            if macro:
                found = Macro(macro[1], macro[2].strip(), doc, section)
        elif item["type"] and item["struct"].endswith("_options"):
            found = Options(item["struct"], header.family, doc, read_fields(item["fields"]), bool(item["named"]))
        elif item["type"] or item["other_type"]:
            found = Type(item["struct"] or item["typename"], item["type"] or item["other_type"], doc)
        elif item["name"] or item["pointing"]:
            if not (item["name"] or item["pointing"]).endswith("_"):
                found = read_function(item, header, section, doc)
        elif item["other"] and item["other"].startswith("AD_API"):
            raise ValueError(f"{path}: a declaration that cannot be read: {item['other']}")
        elif item["gap"]:
            if doc and not used:
                found = Text("", doc)
            doc = ""
        if found:
            header.items.append(found)
            used = True
    return header


def read_all_headers(library: Library = LIBAD) -> List[Header]:
    """All headers of a library in the order of their names, with options joined to the functions that take them."""
    headers = [read_header(path, library) for path in sorted(library.headers.glob("*.h"))]
    all_options = {}
    for header in headers:
        all_options.update((o.name, o) for o in header.options)
    for header in headers:
        by_name = {f.name: f for f in header.functions}
        for function in header.functions:
            if function.parameters and function.parameters[-1].type in all_options:
                function.options = all_options[function.parameters.pop().type]
        for function in header.functions:
            plain = by_name.get(re.sub("_with$", "", function.name))
            if function.options and plain and plain is not function:
                plain.options, plain.with_name = function.options, function.name
    return headers


def other_names(function):
    """The names behind "Also named" in its doc comment; of functions that share one, those of the first."""
    return re.findall(r"\bad_\w+", " ".join(re.findall(r"Also named ((?:ad_\w+(?:, | and )?)+)", function.doc)))


def renamed(functions):
    """(function, other name) for each; a doc comment that several share speaks of the first."""
    seen = set()
    for function in functions:
        if not function.doc or function.takes_options or function.doc in seen:
            continue
        seen.add(function.doc)
        for name in other_names(function):
            yield function, name
