"""Which files of the checkout the checks look at."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
C_SUFFIXES = {".c", ".cpp", ".h", ".hpp"}


def git(*arguments: str) -> str | None:
    """What git says, or None when it fails."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def all_files() -> list[str]:
    """Tracked files and new ones that are not ignored, as they lie in the working tree."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        raise SystemExit(f"{ROOT} is not a git checkout, so the checks cannot tell which files belong to it.")
    return sorted(path for path in set(listed.split("\0")) if path and (ROOT / path).is_file())


def c_sources() -> list[str]:
    return [path for path in all_files() if Path(path).suffix in C_SUFFIXES]


if __name__ == "__main__":
    print("\n".join(c_sources()))
