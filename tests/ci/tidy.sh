#!/bin/bash
# clang-tidy over the sources of the three libraries, a file once, with the checks of .clang-tidy: tidy.sh BUILD, a build that clang configured.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1

# A file that is compiled for each instruction set is read as for the plainest one, the first in the list.
python3 - "$build" <<'END'
import json, pathlib, sys
build = pathlib.Path(sys.argv[1])
commands, files = [], set()
for command in json.loads((build / "compile_commands.json").read_text()):
    path = command["file"]
    if path.endswith(".c") and path not in files and path.startswith(("../libad/src/", "../libad-nn/src/", "../hyperopt/src/")):
        files.add(path)
        commands.append(command)
(build / "tidy").mkdir(exist_ok=True)
(build / "tidy" / "compile_commands.json").write_text(json.dumps(commands))
(build / "tidy" / "files").write_text("".join(f"{(build / path).resolve()}\n" for path in sorted(files)))
END
echo "$(wc -l <"$build/tidy/files") files"
xargs -P "$(nproc)" -n 4 clang-tidy -p "$build/tidy" --quiet <"$build/tidy/files" 2>/dev/null
