#!/usr/bin/env python3
"""Runs clang-tidy on the files that changed against a base, within a time budget, or on all of them."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compile_commands import BUILD, compiled_sources
from sources import ROOT, c_sources, git

# g++'s warnings are the build's business; clang knows others.
COMMAND = ["clang-tidy", "--quiet", "--extra-arg=-w"]
PRECOMPILED = re.compile(r"\S+/cmake_pch\.hxx(?=\s)")


def commands_for_clang(folder: Path) -> None:
    """Writes the build's commands to `folder`. Headers that g++ precompiled are read from copies, because clang would
    take g++'s result for its own."""
    text = (BUILD / "compile_commands.json").read_text(encoding="utf-8")
    for number, header in enumerate(sorted(set(PRECOMPILED.findall(text)))):
        copy = folder / f"header_{number}.hxx"
        copy.write_bytes(Path(header).read_bytes())
        text = re.sub(re.escape(header) + r"(?=\s)", str(copy), text)
    (folder / "compile_commands.json").write_text(text, encoding="utf-8")


def base_commit() -> str | None:
    """Where the work on this branch began; on the main branch the commit before; None: there is none."""
    head = git("rev-parse", "HEAD")
    for name in ("upstream/main", "origin/main", "@{upstream}", "main"):
        base = git("merge-base", "HEAD", name)
        if base and base != head:
            return base.strip()
    before = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    return before.strip() if before else None


def changed_files(base: str | None) -> list[str]:
    """Committed or not, new files too."""
    if base is None:
        return c_sources()
    changed = git("diff", "--name-only", "--no-renames", base)
    if changed is None:
        raise SystemExit(f"git does not know the base {base}.")
    new = git("ls-files", "--others", "--exclude-standard") or ""
    return sorted(set(c_sources()) & set((changed + new).splitlines()))


def translation_units(files: list[str], compiled: dict[str, str]) -> list[str]:
    """The files themselves; for a header one source that includes it, its own if there is one. `compiled` has
    the text of each translation unit of the build."""
    units = set(files) & compiled.keys()
    for header in (path for path in files if path.endswith((".h", ".hpp"))):
        name = os.path.basename(header)
        stem = os.path.splitext(name)[0]
        include = re.compile(rf'#\s*include\s*[<"](.*/)?{re.escape(name)}[>"]')
        users = [path for path, text in compiled.items() if include.search(text)]
        users.sort(key=lambda path: (not os.path.basename(path).startswith(stem), path not in units, path))
        units.update(users[:1])
    # When time runs out, it is the tests that are left over.
    return sorted(units, key=lambda path: ("test" in path, path))


FINDING = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:error|warning): ", re.MULTILINE)


def own_findings(output: str, root: str) -> str:
    """What clang-tidy says about files in the checkout. The analyzer also follows calls into libraries, where it
    guesses wrong and nobody here could mend anything."""
    starts = [(match.start(), match.group(1)) for match in FINDING.finditer(output)]
    if not starts:
        return output  # not a finding but a failure of the tool
    ends = [start for start, _ in starts[1:]] + [len(output)]
    return "".join(output[start:end] for (start, path), end in zip(starts, ends) if path.startswith(root + "/"))


def examine(path: str, commands: str, deadline: float | None) -> tuple[str, str | None]:
    """(path, the complaint, which is empty when all is well; None when there was no time left)."""
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        return path, None
    try:
        done = subprocess.run([*COMMAND, "-p", commands, path], cwd=ROOT, capture_output=True, text=True, timeout=left, check=False)
    except subprocess.TimeoutExpired:
        return path, None
    return path, own_findings(done.stdout or done.stderr, str(ROOT)) if done.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="all files, without a budget")
    parser.add_argument("--base", help="the commit to compare to, instead of where the branch began")
    parser.add_argument("--budget", type=float, default=300, help="seconds after which the rest is left out (300)")
    options = parser.parse_args()

    files = c_sources() if options.all else changed_files(options.base or base_commit())
    compiled = {path: (ROOT / path).read_text(encoding="utf-8") for path in compiled_sources()}
    units = translation_units(files, compiled)
    deadline = None if options.all else time.monotonic() + options.budget
    with tempfile.TemporaryDirectory() as commands, ThreadPoolExecutor(os.cpu_count()) as pool:
        commands_for_clang(Path(commands))
        results = list(pool.map(lambda path: examine(path, commands, deadline), units))

    complaints = [complaint for _, complaint in results if complaint]
    left_out = [path for path, complaint in results if complaint is None]
    print("".join(complaints), end="")
    print(f"clang-tidy: {len(units) - len(left_out)} of {len(units)} sources examined, {len(complaints)} with findings")
    if left_out:
        print(f"clang-tidy: no time was left for {' '.join(left_out)}; `scripts/check --all` examines everything.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
