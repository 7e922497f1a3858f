"""Makes names findable by any of their words: search_index(FOLDER) for Doxygen's folder `search`.

Doxygen finds names by how they begin, and in C all begin alike: somebody who looks for cholesky has to find ad_linalg_cholesky. Every entry that begins with a
prefix gets others that begin with its other words. Entries stand in a file for each section and first letter, numbered by the letters that a section has.
"""
import json
import re

PREFIXES = re.compile(r'(ad|adnn|hyper)_5f')  # as the index writes "_"


def sections_of(folder):
    """Section: its name, its letters."""
    text = (folder / 'searchdata.js').read_text(encoding='utf-8')
    content, names = (re.findall(r'(\d+): "([^"]*)"', part) for part in re.findall(r'=\s*\{(.*?)\}', text, re.S)[:2])
    return {name: content[i][1] for i, (_, name) in enumerate(names)}


def entries_of(folder, section, letters):
    """Key and the rest of each line, of all files of a section."""
    for i in range(len(letters)):
        yield from re.findall(r"^  \['(\w+)_\d+',(.*)\](?:,)?$", (folder / f'{section}_{i:x}.js').read_text(encoding='utf-8'), re.M)


def write_section(folder, section, entries):
    """Gives the letters."""
    letters = ''.join(sorted({key[0] for key, _ in entries}))
    page = (folder / f'{section}_0.html').read_text(encoding='utf-8')
    number = 0
    for i, letter in enumerate(letters):
        lines = []
        for key, rest in sorted(e for e in entries if e[0][0] == letter):
            lines.append(f"  ['{key}_{number}',{rest}]")
            number += 1
        (folder / f'{section}_{i:x}.js').write_text('var searchData=\n[\n' + ',\n'.join(lines) + '\n];\n', encoding='utf-8')
        (folder / f'{section}_{i:x}.html').write_text(page.replace(f'{section}_0.js', f'{section}_{i:x}.js'), encoding='utf-8')
    return letters


def search_index(folder):
    sections = sections_of(folder)
    for section, letters in sections.items():
        entries = list(entries_of(folder, section, letters))
        entries += [(key[word.end():], rest) for key, rest in entries if PREFIXES.match(key) for word in re.finditer('_5f(?=.)', key)]
        sections[section] = write_section(folder, section, entries)
    text = (folder / 'searchdata.js').read_text(encoding='utf-8')
    content = ',\n'.join(f'  {i}: {json.dumps(letters)}' for i, letters in enumerate(sections.values()))
    text = re.sub(r'(indexSectionsWithContent =\s*)\{.*?\}', lambda found: f'{found[1]}{{\n{content}\n}}', text, flags=re.S)
    (folder / 'searchdata.js').write_text(text, encoding='utf-8')
