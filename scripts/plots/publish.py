"""What README.md shows of the last results that were kept: tests/bench/results/rows.json and measured.txt."""

from pathlib import Path
from textwrap import fill

from picture import draw_all
from rows import ROOT, Goal, Row, read_goals, read_rows
from table import markdown, verdict

BEGIN = "<!-- speed: scripts/bench --publish writes from here -->\n"
END = "<!-- speed: to here -->\n"
RESULTS = Path("tests") / "bench" / "results"


def section(rows: list[Row], goals: list[Goal], measured: str) -> str:
    """What stands between the two marks."""
    folder = RESULTS.as_posix()
    text = (
        f"As measured {measured}, by `scripts/bench --publish`. Each figure stands beside its reference of the same run; the "
        f"ratio is ours through theirs, so for times less is better. {verdict(rows, goals)} All rows: "
        f"[{folder}]({folder}/README.md)."
    )
    return f"""<picture>
  <source media="(prefers-color-scheme: dark)" srcset="{folder}/speed-dark.svg">
  <img alt="Round trips of 64 B and 1 MiB: Bulkhead and other ways to call a process" src="{folder}/speed.svg">
</picture>

{fill(text, 120, break_on_hyphens=False, break_long_words=False)}

{markdown(rows, goals, only_goals=True)}"""


def replace_between_marks(text: str, new: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"plot: README.md lacks the lines {BEGIN.strip()} and {END.strip()}.")
    return before + BEGIN + "\n" + new + "\n" + END + after


def publish(root: Path = ROOT) -> list[Path]:
    """Returns the files that were written."""
    folder, readme = root / RESULTS, root / "README.md"
    rows, goals = read_rows(folder / "rows.json"), read_goals()
    measured = (folder / "measured.txt").read_text(encoding="utf-8").strip()
    written = replace_between_marks(readme.read_text(encoding="utf-8"), section(rows, goals, measured))
    pictures = draw_all(rows, folder / "speed.svg")
    readme.write_text(written, encoding="utf-8")
    full = folder / "README.md"
    full.write_text(
        f"# Results\n\nMeasured {measured}, by `scripts/bench --publish`, which wrote this folder.\n"
        f"[tests/README.md](../../README.md#benchmarks) tells what each row is. {verdict(rows, goals)}\n\n"
        f"![Bulkhead and other ways to call a process](speed.svg)\n\n{markdown(rows, goals)}",
        encoding="utf-8",
    )
    return [*pictures, readme, full]
