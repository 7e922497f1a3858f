"""Writes what other languages need to know of the public headers; the build does.

    bindings.py libad JSON TABLE
    bindings.py libad-nn|hyperopt JSON

JSON, which is installed, has all that a foreign function interface has to be told of a library: types, structs, prototypes, options, the values of constants
and enumerations, and the comments of the headers. A type stands behind those that it is made of. TABLE
is C: the prototypes and options of libad that ad_call_named and ad_prototype_at know.
"""

import json
import pathlib
import re
import sys

from declarations import LIBRARIES, Type, declared, read_all_headers, read_fields, renamed

TYPES = {
    "void": "VOID", "ad_array *": "ARRAY", "ad_tree *": "TREE", "ad_fn *": "FUNCTION", "bool": "BOOL", "int": "INT", "unsigned": "INT", "ad_code": "INT",
    "ad_on_error_action": "INT", "int64_t": "INT64", "uint64_t": "UINT64", "size_t": "UINT64", "double": "REAL", "ad_complex": "COMPLEX",
    "ad_dtype": "DTYPE", "char *": "TEXT", "ad_key": "KEY", "ad_shape": "SHAPE", "ad_axes": "AXES", "ad_widths": "WIDTHS", "ad_index_list": "INDICES",
    "ad_tagged": "TAGGED", "ad_function_pointer": "POINTER",
}
LISTS = {"ad_array *const *": "ARRAYS", "const ad_number *": "NUMBERS", "const ad_tree_item *": "ITEMS", "const ad_tagged *": "VALUES"}
VALUES = {"BOOL": "BOOL, { .integer = ", "INT": "INTEGER, { .integer = ", "INT64": "INTEGER, { .integer = ", "UINT64": "INTEGER, { .integer = ",
          "DTYPE": "DTYPE, { .integer = (int)", "REAL": "REAL, { .real = ", "TEXT": "TEXT, { .text = "}


def type_of(text):
    plain = re.sub(r"^const ", "", text)
    if plain in TYPES:
        return TYPES[plain]
    return "POINTER" if text.endswith("*") or "(*)" in text else "OTHER"


def parameters_of(function):
    """Names and types. A list has its count behind it; a text before "..." is a format."""
    parameters = [(p.name, type_of(p.type)) for p in function.parameters]
    for i, p in enumerate(function.parameters[:-1]):
        behind = function.parameters[i + 1]
        if p.type in LISTS and behind.type == "int":
            parameters[i] = (p.name, LISTS[p.type])
        if behind.type == "..." and p.type == "const char *":
            parameters[i:] = [(p.name, "FORMAT")]
    return parameters


def text_of(function, name):
    parameters = [declared(p.type, p.name) for p in function.parameters]
    if function.takes_options:
        parameters.append(function.options.name + " options")
    return declared(function.result, "%s(%s)" % (name, ", ".join(parameters) or "void"))


def value_of(type_, default):
    """The default as an ad_tagged."""
    kind = VALUES.get(type_of(type_))
    if default in (None, "NULL", "false") or not kind:
        return "{ AD_KIND_NONE, 0, { NULL } }"
    return "{ AD_KIND_%s%s } }" % (kind.replace(", {", ", 0, {"), default)


class Table:
    def __init__(self):
        self.lists = {}  # the text of a list of parameters or options: its name
        self.lines = []

    def named(self, kind, name, rows):
        """A list once, under the name of the first function that has it."""
        text = ",\n    ".join(rows)
        if text not in self.lists:
            self.lists[text] = name
            self.lines.append("static const %s %s[] = {\n    %s,\n};" % (kind, self.lists[text], text))
        return self.lists[text]

    def row(self, function, name):
        parameters = ['{ "%s", AD_TYPE_%s }' % p for p in parameters_of(function)]
        fields = function.options.fields if function.takes_options else []
        options = ['{ "%s", AD_TYPE_%s, offsetof(%s, %s), %s }' % (f.name, type_of(f.type), function.options.name, f.name, value_of(f.type, f.default))
                   for f in fields]
        sizes = "sizeof(%s), _Alignof(%s)" % (function.options.name, function.options.name) if fields else "0, 0"
        return '    { "%s", "%s", AD_TYPE_%s, %d, %d, %s, %s, %s, FUNCTION(%s) },' % (
            name, text_of(function, name), type_of(function.result), len(parameters), len(fields), sizes,
            self.named("ad_parameter", "parameters_of_" + name, parameters) if parameters else "NULL",
            self.named("ad_option", "options_of_" + name, options) if fields else "NULL", function.name)


def aliases_of(headers):
    """NumPy's other names, and what they name."""
    aliases = {}
    for function, name in (pair for header in headers for pair in renamed(header.functions)):
        aliases[name] = function.name
        if function.with_name:
            aliases[name + "_with"] = function.with_name
    return aliases


# ---- the table ----


def write_table(headers, out):
    functions = {f.name: f for header in headers for f in header.functions}
    names = {name: name for name in functions}
    names.update((name, target) for name, target in aliases_of(headers).items() if target in functions)
    table = Table()
    rows = [table.row(functions[names[name]], name) for name in sorted(names)]
    out.write("/* The prototypes of all functions that libad exports. Written by libad/tools/bindings.py. */\n")
    out.write('#include "ad/ad.h"\n#include "bindings/bindings.h"\n\n')
    out.write("#define FUNCTION(name) (void (*)(void))(name)\n\n")
    out.write("\n".join(table.lines))
    out.write("\n\nconst ad_prototype ad_prototypes[] = {\n%s\n};\n\n" % "\n".join(rows))
    out.write("const int ad_prototypes_count = sizeof ad_prototypes / sizeof *ad_prototypes;\n")


# ---- the JSON file ----


COMMENT = re.compile(r"/\*.*?\*/", re.S)
LIMITS = {"INT_MIN": -(2**31), "INT_MAX": 2**31 - 1, "INT64_MIN": -(2**63), "INT64_MAX": 2**63 - 1}


def evaluated(expression, known):
    """An expression of C as a number: (ad_dtype)-1, 1 << 3, -0x1.4p100, with names that are known."""
    plain = re.sub(r"\(\w+\)(?=-|\w)", "", re.sub(r"\b(\d\w*?)[uUlL]+\b", r"\1", expression))
    plain = re.sub(r"0x[\da-fA-F]*\.[\da-fA-F]+p[-+]?\d+", lambda x: repr(float.fromhex(x[0])), plain)
    return eval(plain, {"__builtins__": {}}, {**LIMITS, **known})


def enumerations_of(text, known):
    """Names and values: those of "NAME" follow the one before, "NAME = 3" says its own."""
    for body in re.findall(r"\benum(?: \w+)? \{(.*?)\}", COMMENT.sub("", text), re.S):
        value = -1
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, given = (part.strip() for part in entry.partition("="))
            known[name] = value = evaluated(given, known) if given else value + 1


def fields_of(fields):
    return [{"name": f.name, "type": f.type, "default": f.default, "doc": f.doc} for f in fields]


def members_of(body):
    """The members of a struct, of which one may be a union or a struct written out: that has members of its own, and no name if they are the struct's."""
    members = []
    for plain, kind, inner, name in re.findall(r"([^{}]*?)(?:\b(struct|union) \{([^{}]*)\} ?(\w*);|\Z)", body, re.S):
        members += fields_of(read_fields(plain))
        if kind:
            members.append({"name": name, "type": kind, "members": fields_of(read_fields(inner))})
    return members


def structs_of(headers):
    """The members of all structs but those of options, each behind those that it holds."""
    texts = {t.name: re.sub(r"\benum \{[^{}]*\}", "int", t.text) for header in headers for t in header.of(Type) if t.text.startswith("typedef struct")}
    bodies = {name: re.fullmatch(r"typedef struct \w+ \{(.*)\}[^{}]*", text, re.S) for name, text in texts.items()}
    members = {name: members_of(body[1]) for name, body in bodies.items() if body}
    ordered = {}

    def place(name):
        held = [inner["type"] for member in members[name] for inner in [member] + member.get("members", [])]
        for other in (type_.partition("[")[0] for type_ in held):
            if other in members and other != name and other not in ordered:
                place(other)
        ordered[name] = members[name]

    for name in members:
        place(name)
    return ordered


def types_of(headers, structs):
    """What the other types are: "opaque", "enumeration" (an int or unsigned, 4 bytes), or what C says of them."""
    types = {}
    for t in (t for header in headers for t in header.of(Type)):
        opaque = re.fullmatch(r"typedef struct (\w+) \1;", t.text)
        kind = "opaque" if opaque else "enumeration" if t.text.startswith("typedef enum") else " ".join(COMMENT.sub("", t.text).split())
        if t.name not in structs:
            types[t.name] = kind
    return types


def description_of(function):
    described = {"name": function.name, "text": text_of(function, function.name), "header": function.family, "doc": function.doc, "result": function.result,
                 "parameters": [{"name": p.name, "type": p.type} for p in function.parameters]}
    if function.takes_options:
        described["options"] = {"type": function.options.name, "fields": fields_of(function.options.fields)}
        if function.options.named:
            described["options"]["last"] = {"name": "ad_unused_", "type": "int"}  # in the struct, but no option
    return described


def constants_of(headers, known):
    """The values of other constants: AD_NO_AXIS, AD_NORM_FRO."""
    macros = [(name, macro.definition.strip()) for header in headers for name, macro in header.macros.items()]
    return {name: evaluated(text, known) for name, text in macros if re.fullmatch(r"[A-Z]+_[A-Z0-9_]*[A-Z0-9]", name) and re.fullmatch(r"\(?(\(\w+\))?-?[\w.]+\)?", text)}


def write_json(headers, out):
    values = {}
    for header in headers:
        enumerations_of(header.path.read_text(), values)
    functions = [description_of(f) for header in headers for f in header.functions]
    structs = structs_of(headers)
    data = {"enumerations": values, "constants": constants_of(headers, values), "types": types_of(headers, structs), "structs": structs,
            "other_names": aliases_of(headers), "functions": functions}
    json.dump(data, out, indent=1)
    out.write("\n")


if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    all_headers = read_all_headers(next(library for library in LIBRARIES if library.name == name))
    for write, path in zip((write_json, write_table), paths):
        with pathlib.Path(path).open("w") as out:
            write(all_headers, out)
