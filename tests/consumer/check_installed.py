"""Fails when something in an installed tree is missing, or would not work after a move or on another machine.

usage: check_installed.py PREFIX SOURCES BUILD
"""

import pathlib
import re
import subprocess
import sys

# What no other test of an installation looks at.
SHARED = [
    "share/bash-completion/completions/bulkhead",
    "share/bulkhead/rust/bulkhead.rs",
    "share/bulkhead/templates/c/plugin.json",
    "share/bulkhead/templates/cpp/plugin.json",
    "share/bulkhead/templates/rust/plugin.json",
    "share/doc/bulkhead/copyright",
]
OURS = re.compile(r'#\s*include\s*[<"](bulkhead/[^>"]+)[>"]')


def begins_with(path, magic):
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def of_program(path):
    """What is wrong with a library or program: where it looks for others, and which versions it may be taken for."""
    dynamic = subprocess.run(["readelf", "--dynamic", path], capture_output=True, text=True, check=True).stdout
    for folders in re.findall(r"(?:RUNPATH|RPATH)\D*\[(.*)\]", dynamic):
        for folder in folders.split(":"):
            if not folder.startswith("$ORIGIN"):
                yield f"looks for libraries in {folder}; only a folder that starts with $ORIGIN survives a move"
    soname = re.search(r"SONAME\D*\[(libbulkhead_host.*)\]", dynamic)
    if soname and not re.fullmatch(r"libbulkhead_host\.so\.(0\.\d+|[1-9]\d*)", soname[1]):
        yield f"is called {soname[1]}, as are versions with another API; up to 1.0 the minor version belongs to it"


def of_text(path, places, include):
    """What is wrong with a text: a place of this machine, or a header that is not there."""
    text = path.read_text(encoding="utf-8")
    for place in places:
        if place in text:
            yield f"names {place}"
    if include in path.parents:
        for header in OURS.findall(text):
            if not (include / header).is_file():
                yield f"includes {header}, which is not installed"


def main(prefix, *places):
    prefix = pathlib.Path(prefix)
    wrong = []
    files = [path for path in sorted(prefix.rglob("*")) if path.is_file() and not path.is_symlink()]
    for path in files:
        found = []
        if begins_with(path, b"\x7fELF"):
            found = of_program(path)
        elif not begins_with(path, b"!<arch>"):  # a static library's debug information may say where it was compiled
            found = of_text(path, places, prefix / "include")
        wrong += [f"{path.relative_to(prefix)}: {sentence}" for sentence in found]
    wrong += [f"{name} is not installed" for name in SHARED if not (prefix / name).is_file()]
    print("\n".join(wrong) or f"{len(files)} installed files, each as good in another place")
    return 1 if wrong or not files else 0


sys.exit(main(*sys.argv[1:]))
