#!/usr/bin/env python3
"""Fails when a public header does not compile alone: .hpp as C++20, .h as C11 and as C++20."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from compile_commands import BUILD, foreign_include_flags
from layers import MAY_INCLUDE, layer_of
from sources import ROOT, c_sources

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
CXX = ["g++", "-x", "c++", "-std=c++20"]
C = ["gcc", "-x", "c", "-std=c11"]


def include_flags(path: str) -> list[str]:
    """Only what the header's layer may see."""
    layers = sorted({layer_of(path)} | MAY_INCLUDE[layer_of(path)])
    return [f"-I{ROOT / layer / 'include'}" for layer in layers] + [f"-I{BUILD / 'generated'}"]


def compile_alone(path: str, compiler: list[str], libraries: list[str]) -> str:
    """The compiler's complaint, or nothing."""
    # Through a file that includes it, because of #pragma once; twice, because of its guard.
    including = f'#include "{ROOT / path}"\n' * 2
    command = [*compiler, *WARNINGS, "-fsyntax-only", *include_flags(path), *libraries, "-"]
    done = subprocess.run(command, input=including, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return f"{path}:1: does not compile alone with {compiler[0]} {compiler[-1]}:\n{done.stderr}"


def main() -> int:
    libraries = foreign_include_flags()
    headers = [path for path in c_sources() if "/include/" in path and path.endswith((".h", ".hpp"))]
    jobs = [(path, CXX) for path in headers] + [(path, C) for path in headers if path.endswith(".h")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(lambda job: compile_alone(*job, libraries), jobs)
        found = [complaint for complaint in complaints if complaint]
    print("".join(found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
