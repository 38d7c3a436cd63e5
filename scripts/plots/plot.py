#!/usr/bin/env python3
"""Makes a table and a picture of the rows that scripts/bench --json wrote; scripts/plot runs it."""

import argparse
import sys
from pathlib import Path

from picture import draw_all
from publish import publish
from rows import read_goals, read_rows
from table import markdown, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/plot", description=__doc__)
    parser.add_argument("rows", type=Path, nargs="?", metavar="FILE.json", help="what scripts/bench --json wrote")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="the picture; another beside it for dark pages")
    parser.add_argument("--table", type=Path, metavar="FILE", help="the Markdown table; else it goes to the output")
    parser.add_argument("--publish", action="store_true", help="renew what README.md shows from tests/bench/results")
    options = parser.parse_args()
    if options.publish == bool(options.rows):
        parser.error("either FILE.json or --publish")
    if options.publish:
        print("\n".join(map(str, publish())))
        return 0
    rows, goals = read_rows(options.rows), read_goals()
    if options.svg:
        draw_all(rows, options.svg)
    text = f"{markdown(rows, goals)}\n{verdict(rows, goals)}\n"
    if options.table:
        options.table.write_text(text, encoding="utf-8")
    elif not options.svg:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
