"""What Doxygen reads of a file.

Of a header: the opening comment is that of the file. A declaration that follows another without an empty line has that one's comment too, as ad_sum_with
has that of ad_sum, but for the parameters that it does not have. What a derivative and errors are begins a paragraph. Macros that stand before functions
of the same name are left out: the functions are described. Of a page: links to headings and into the source tree are names, and code may hold apostrophes.
"""
import re
import sys

MACRO = re.compile(r'^#define [a-z]\w*\((?:[^\n]*\\\n)*[^\n]*\n', re.M)
DECLARATIONS = re.compile(r'(?P<doc>/\*\*(?:(?!\*/).)*\*/\n)(?P<all>(?:AD_API[^;]*;[^\n]*\n)+)', re.S)
DECLARATION = re.compile(r'AD_API[^;]*;[^\n]*\n')
PARAMETER = re.compile(r'^ \* @param\s+(\w+)(?:(?!^ \* @|^ \* [A-Z]|^ \*\n|\*/).)*?(?=^ \*|\*/)', re.M | re.S)
PARAGRAPH = re.compile(r'(?:\n \*)? (Derivatives?|Errors): ')
QUOTED = re.compile(r"(?<!`)`([^`\n]*'[^`\n]*)`(?!`)") # in single backticks Doxygen takes an apostrophe for the end
LINK = re.compile(r'\[([^\]]*)\]\((?!https?:)(?:[^)]*reference/[^)]*|[^)]*(?<!\.md)(?<!\.png)(?<!\.svg))\)')


def documented(match):
    doc = PARAGRAPH.sub(r'\n *\n * **\1:** ', match['doc'])

    def with_own_parameters(declaration):
        names = re.findall(r'\w+', declaration[0])
        return PARAMETER.sub(lambda p: p[0] if p[1] in names else '', doc) + declaration[0]

    return DECLARATION.sub(with_own_parameters, match['all'])


def header(text):
    text = re.sub(r'\A/\*(?!\*)', '/** @file\n *', text)
    return DECLARATIONS.sub(documented, MACRO.sub('', text))


def page(text):
    parts = re.split(r'(^```.*?^```$|^(?:    [^\n]*\n)+)', text, flags=re.M | re.S)
    return ''.join(part if i % 2 else QUOTED.sub(r'``\1``', LINK.sub(r'\1', part)) for i, part in enumerate(parts))


if __name__ == '__main__':
    sys.stdout.reconfigure(encoding='utf-8')
    with open(sys.argv[1], encoding='utf-8') as file:
        sys.stdout.write((page if sys.argv[1].endswith('.md') else header)(file.read()))
