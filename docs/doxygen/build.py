"""Builds the reference with Doxygen: build.py SOURCE BUILD VERSION. Every example is run for its picture. A warning of Doxygen is an error.

The result is BUILD/docs/html/index.html.
"""
import pathlib
import re
import shutil
import subprocess
import sys

from search_index import search_index

INCLUDES = ['libad/include', 'libad-nn/include', 'hyperopt/include']
PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs']
PICTURES = ['docs', 'docs/experiments', 'docs/performance']


def opening_comment(source):
    """The comment at the head of a program, as paragraphs of a page."""
    comment = re.match(r'/\*(.*?)\*/', source, re.S)[1]
    return re.sub(r'(--\w+)', r'`\1`', re.sub(r'^ \* ?', '', comment.strip(), flags=re.M))


def example_page(program, source, build, pages):
    """A page with what the program shows, its picture and its text. Those of hyperopt train for minutes: their pictures are those of the experiments."""
    name, text = source.stem, source.read_text(encoding='utf-8')
    picture, printed = None, ''
    if source.parent.name == 'hyperopt':
        stored = source.parents[2] / 'docs' / 'experiments' / f'{name}.png'
        picture = stored if stored.exists() else None
    else:
        made = pages / f'example_{name}'
        printed = subprocess.run([program, '--out', made], check=True, capture_output=True, text=True, cwd=build).stdout
        picture = made.with_suffix('.png') if made.with_suffix('.png').exists() else None
    body = f'# {name} {{#example_{name}}}\n\n{opening_comment(text)}\n\n'
    if picture:
        body += f'![{name}]({picture.name})\n\n'
    if printed:
        lines = printed.replace(str(pages) + '/', '').splitlines()
        body += 'It prints\n\n' + '\n'.join('    ' + line for line in (lines if len(lines) <= 20 else lines[:10] + ['...'] + lines[-8:])) + '\n\n'
    body += '## The program\n\n```c\n' + re.sub(r'\A/\*.*?\*/\n', '', text, flags=re.S) + '```\n'
    (pages / f'example_{name}.md').write_text(body, encoding='utf-8')
    sentence = ' '.join(re.match(r'.*?(?=\.(?:\s|$))', opening_comment(text), re.S)[0].split())
    return f'- @subpage example_{name} &ndash; {sentence}\n'


def example_pages(source, build, pages):
    programs = [path for path in sorted((source / 'examples').glob('**/*.c')) if re.search(r'^int main', path.read_text(encoding='utf-8'), re.M)]
    rows = {'libad and libad-nn': '', 'hyperopt': ''}
    for path in programs:
        family = 'hyperopt' if path.parent.name == 'hyperopt' else 'libad and libad-nn'
        rows[family] += example_page(build / path.relative_to(source).with_suffix(''), path, build, pages)
    text = '# Examples {#examples}\n\n' + '\n'.join(f'## {family}\n\n{list_}' for family, list_ in rows.items())
    (pages / 'examples.md').write_text(text, encoding='utf-8')


def build_reference(source, build, version):
    out = build / 'docs'
    pages = out / 'pages'
    shutil.rmtree(out, ignore_errors=True)
    pages.mkdir(parents=True)
    example_pages(source, build, pages)
    tool = source / 'docs' / 'doxygen'
    command = f'"{sys.executable} {tool / "filter.py"}"'

    def paths(names):
        return ' '.join(f'"{source / name}"' for name in names)

    settings = f'''@INCLUDE = "{tool / 'Doxyfile'}"
PROJECT_NUMBER = {version}
INPUT = {paths(PAGES + INCLUDES)} "{pages}"
RECURSIVE = YES
EXCLUDE = "{tool}"
USE_MDFILE_AS_MAINPAGE = "{source / 'README.md'}"
IMAGE_PATH = {paths(PICTURES)} "{pages}"
FILTER_PATTERNS = *.h={command} *.md={command}
STRIP_FROM_PATH = {paths(INCLUDES + ['.'])} "{pages}"
STRIP_FROM_INC_PATH = {paths(INCLUDES)}
HTML_EXTRA_STYLESHEET = "{tool / 'style.css'}"
OUTPUT_DIRECTORY = "{out}"
'''
    (out / 'Doxyfile').write_text(settings, encoding='utf-8')
    run = subprocess.run(['doxygen', out / 'Doxyfile'], capture_output=True, text=True)
    sys.stderr.write(run.stderr)
    if run.returncode or run.stderr.strip():
        return 1
    search_index(out / 'html' / 'search')
    print(f'{out / "html" / "index.html"}')
    return 0


if __name__ == '__main__':
    sys.exit(build_reference(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
