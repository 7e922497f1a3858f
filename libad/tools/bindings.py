"""Writes what other languages need to know of the public headers; the build does.

    bindings.py libad JSON TABLE
    bindings.py libad-nn|hyperopt JSON

JSON, which is installed, has the prototypes, options and constants of a library, with the comments of its headers and the values of its enumerations. TABLE
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


def enumerations_of(text):
    """Names and values: those of "NAME" follow the one before, "NAME = 3" says its own."""
    values = {}
    for body in re.findall(r"\benum(?: \w+)? \{(.*?)\}", re.sub(r"/\*.*?\*/", "", text, flags=re.S), re.S):
        value = -1
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, given = (part.strip() for part in entry.partition("="))
            value = int(given, 0) if re.fullmatch(r"-?\w+", given) and not given.isidentifier() else value + 1
            values[name] = value
    return values


def fields_of(fields):
    return [{"name": f.name, "type": f.type, "default": f.default, "doc": f.doc} for f in fields]


def structs_of(headers):
    """The fields of plain structs, those of options aside."""
    bodies = [(t.name, re.fullmatch(r"typedef struct \w+ \{([^{}]*)\}[^{}]*", t.text)) for header in headers for t in header.of(Type)]
    return {name: fields_of(read_fields(body[1])) for name, body in bodies if body}


def description_of(function):
    described = {"name": function.name, "text": text_of(function, function.name), "header": function.family, "doc": function.doc, "result": function.result,
                 "parameters": [{"name": p.name, "type": p.type} for p in function.parameters]}
    if function.takes_options:
        described["options"] = {"type": function.options.name, "fields": fields_of(function.options.fields)}
    return described


def constants_of(headers):
    """Other constants, as C expressions: AD_NO_AXIS, AD_NORM_FRO."""
    macros = [(name, macro.definition.strip()) for header in headers for name, macro in header.macros.items()]
    return {name: text for name, text in macros if re.fullmatch(r"[A-Z]+_[A-Z0-9_]*[A-Z0-9]", name) and re.fullmatch(r"\(?(\(\w+\))?-?[\w.]+\)?", text)}


def write_json(headers, out):
    values = {}
    for header in headers:
        values.update(enumerations_of(header.path.read_text()))
    functions = [description_of(f) for header in headers for f in header.functions]
    data = {"enumerations": values, "constants": constants_of(headers), "structs": structs_of(headers), "other_names": aliases_of(headers), "functions": functions}
    json.dump(data, out, indent=1)
    out.write("\n")


if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    all_headers = read_all_headers(next(library for library in LIBRARIES if library.name == name))
    for write, path in zip((write_json, write_table), paths):
        with pathlib.Path(path).open("w") as out:
            write(all_headers, out)
