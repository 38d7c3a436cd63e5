"""What compile_commands.json says about the compilation of our sources: that of dev, which compiles each by itself."""

import json
import shlex
from pathlib import Path

from sources import ROOT

BUILD = ROOT / "build" / "dev"


def entries() -> list[dict]:
    path = BUILD / "compile_commands.json"
    if not path.is_file():
        raise SystemExit(f"{path} is missing: run cmake --preset dev first.")
    return json.loads(path.read_text(encoding="utf-8"))


def compiled_sources() -> set[str]:
    """Our translation units, relative to the checkout."""
    files = {Path(entry["directory"], entry["file"]).resolve() for entry in entries()}
    return {str(path.relative_to(ROOT)) for path in files if path.is_relative_to(ROOT)}


def foreign_include_flags() -> list[str]:
    """Include flags for libraries outside the checkout, such as a Boost in a place of its own."""
    flags = []
    for entry in entries():
        words = shlex.split(entry["command"])
        for word, following in zip(words, words[1:] + [""]):
            if word == "-isystem":
                folder = following
            elif word.startswith("-I"):
                folder = word[2:]
            else:
                continue
            flag = ["-isystem", folder]
            if not Path(folder).is_relative_to(ROOT) and flag not in flags:
                flags.append(flag)
    return [word for flag in flags for word in flag]
