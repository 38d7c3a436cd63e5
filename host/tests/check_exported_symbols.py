"""Fails when the shared host library shows something else than host/exported_symbols.txt lists: the public API.

usage: check_exported_symbols.py LIBRARY LIST [--update]
"""

import pathlib
import re
import subprocess
import sys

HEADER = """# What libbulkhead_host.so shows, demangled and sorted: the functions of the public API that are not inline, and the type
# of the exception it throws. host/tests/check_exported_symbols.py compares.
"""


def exported(library):
    nm = ["nm", "--dynamic", "--defined-only", "--demangle", "--format=posix", library]
    lines = subprocess.run(nm, capture_output=True, text=True, check=True).stdout.splitlines()
    # A line is: name@@version, letter of the kind, value, size. The version of nlohmann_json is the machine's affair.
    names = {re.sub(r"( [A-Za-z]( [0-9a-f]+){0,2} *)$", "", line) for line in lines}
    names = {re.sub(r"nlohmann::json_abi_\w+::", "nlohmann::", name) for name in names}
    return {name.split("@@")[0] for name in names if not re.match(r"BULKHEAD_[\d.]+(@|$)", name)}


def main(library, list_file, *options):
    path = pathlib.Path(list_file)
    found = exported(library)
    if options == ("--update",):
        path.write_text(HEADER + "".join(f"{name}\n" for name in sorted(found)), encoding="utf-8")
        return 0
    lines = path.read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if not line.startswith("#")}
    for name in sorted(listed - found):
        print(f"gone: {name}")
    for name in sorted(found - listed):
        print(f"new:  {name}")
    if listed == found:
        print(f"{len(found)} symbols, exactly those that are listed")
        return 0
    print(
        "The library and host/exported_symbols.txt differ. What is gone breaks every server that is not compiled anew:\n"
        "bring it back, or raise SOVERSION with the project's version. What is new belongs to the public API for good:\n"
        "when it should, list it with --update; when not, take BULKHEAD_HOST_EXPORT away or mark it\n"
        "BULKHEAD_HOST_PRIVATE. What should be there and is not lacks BULKHEAD_HOST_EXPORT.\n"
        f"To update: python3 host/tests/check_exported_symbols.py {library} {list_file} --update"
    )
    return 1


sys.exit(main(*sys.argv[1:]))
