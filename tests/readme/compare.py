"""Fails when a README prints an example that differs from the file that is compiled, or is over 15 lines long."""

import pathlib
import re
import sys

PRINTED = {
    "README.md": ["tests/readme/server.cpp", "plugin-sdk/examples/greeter/greeter.cpp"],
    "plugin-sdk/README.md": ["plugin-sdk/examples/greeter/greeter.cpp"],
}


def blocks(text):
    return [block.strip() for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)]


def main(root):
    wrong = []
    for readme, files in PRINTED.items():
        printed = blocks((root / readme).read_text())
        for name in files:
            example = (root / name).read_text().strip()
            if example not in printed:
                wrong.append(f"{readme} does not print {name} as it is compiled")
            if len(example.splitlines()) > 15:
                wrong.append(f"{name} has more than 15 lines")
    print("\n".join(wrong) or "every example is printed as it is compiled")
    return 1 if wrong else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
