#!/usr/bin/env python3
"""Fails when an include goes up the layers, or out of them."""

import posixpath
import re
import sys

from sources import ROOT, c_sources

# Folder of a layer -> the layers it may include besides itself. A file belongs to the longest folder that fits.
MAY_INCLUDE = {
    "host/cli": {"host", "host/transport"},
    "host/server": {"host", "host/transport"},
    "host/testing": {"host", "plugin-sdk"},
    "host": {"host/transport"},
    "worker": {"host/transport", "plugin-sdk"},
    "plugin-sdk": set(),
    "plugin-sdk/examples": {"plugin-sdk"},
    "plugin-sdk/examples/faulty": {"plugin-sdk", "host/transport"},  # it attacks the channel, so it knows the layout
    "host/transport": set(),
}
MAY_INCLUDE["tests"] = set(MAY_INCLUDE)
# A test of an example plugin is a server in small.
EXAMPLE_TEST = re.compile(r"^plugin-sdk/examples/(.*/)?(tests/.*|test_[^/]*)$")

# bulkhead/<name>/ -> the layer whose public headers lie there.
PUBLIC = {"host": "host", "transport": "host/transport", "plugin": "plugin-sdk"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path: str) -> str | None:
    folders = [folder for folder in MAY_INCLUDE if path.startswith(folder + "/")]
    return max(folders, key=len, default=None)


def target_layer(path: str, quote: str, included: str) -> str | None:
    """The layer that an include reaches; None for what is not ours or lies in an include folder of its own."""
    if included.startswith("bulkhead/"):
        return PUBLIC.get(included.split("/")[1], included)
    if quote == '"' and included.startswith("."):
        return layer_of(posixpath.normpath(posixpath.join(posixpath.dirname(path), included)))
    return None


def findings(path: str, text: str) -> list[str]:
    layer = layer_of(path)
    if layer is None:
        return [f"{path}:1: lies in no layer; the folders are {', '.join(sorted(MAY_INCLUDE))}"]
    allowed = {layer} | MAY_INCLUDE[layer]
    if EXAMPLE_TEST.match(path):
        allowed |= {"host", "host/transport"}
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        target = match and target_layer(path, match.group(1), match.group(2))
        if target and target not in allowed:
            found.append(f"{path}:{number}: {layer} must not include {match.group(2)}: the arrow goes up")
    return found


def main() -> int:
    found = []
    for path in c_sources():
        found += findings(path, (ROOT / path).read_text(encoding="utf-8", errors="replace"))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
