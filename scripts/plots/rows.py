"""The rows of scripts/bench, and the goals beside them."""

import json
import math
import operator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GOALS = ROOT / "tests" / "bench" / "goals.json"

# What goal and row may both be converted to.
UNITS = {
    "ns": ("s", 1e-9), "us": ("s", 1e-6), "ms": ("s", 1e-3), "s": ("s", 1.0),
    "B": ("B", 1.0), "KiB": ("B", 1024.0), "MiB": ("B", 1048576.0),
    "1/s": ("1/s", 1.0), "k/s": ("1/s", 1e3), "M/s": ("1/s", 1e6),
}  # fmt: skip
COMPARISONS = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Row:
    """One figure beside its reference."""

    name: str
    metric: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float

    @property
    def key(self) -> str:
        return f"{self.name}.{self.metric}"

    def in_unit(self, number: float, unit: str) -> float:
        """A number of this row, in the unit of a goal; "" is the row's own."""
        if not unit:
            return number
        own = self.unit.split()[0] if self.unit else ""  # "KiB each"
        if own not in UNITS or unit not in UNITS or UNITS[own][0] != UNITS[unit][0]:
            raise SystemExit(f"{GOALS.name} has a goal in {unit} for {self.key}, whose unit is {self.unit}.")
        return number * UNITS[own][1] / UNITS[unit][1]


@dataclass(frozen=True)
class Goal:
    """What a row must reach: its ratio, its value, or how far the value is above the reference."""

    row: str  # a pattern of name.metric, or of names
    conditions: dict[str, str]  # "ratio", "value" or "above" -> "<= 1.5"

    def is_for(self, row: Row) -> bool:
        return fnmatchcase(row.key, self.row) or fnmatchcase(row.name, self.row)

    def is_met(self, row: Row) -> bool:
        numbers = {"ratio": row.ratio, "value": row.value, "above": row.value - row.reference_value}
        for what, condition in self.conditions.items():
            comparison, limit, *unit = condition.split()
            number = numbers[what] if what == "ratio" else row.in_unit(numbers[what], "".join(unit))
            if not COMPARISONS[comparison](number, float(limit)):
                return False
        return True

    def text(self) -> str:
        said = {"ratio": "", "value": "value ", "above": "above the reference "}
        signs = {"<=": "≤", ">=": "≥"}
        parts = []
        for what, condition in self.conditions.items():
            comparison, rest = condition.split(maxsplit=1)
            parts.append(f"{said[what]}{signs[comparison]} {rest}{'x' if what == 'ratio' else ''}")
        return ", ".join(parts)


def row_of(fields: dict) -> Row:
    """JSON has no infinity: a ratio to a reference of nothing is null there. Such a ratio meets no goal."""
    return Row(**fields | {"ratio": math.nan if fields["ratio"] is None else fields["ratio"]})


def read_rows(path: Path) -> list[Row]:
    try:
        return [row_of(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SystemExit(f"plot: {path} does not hold rows of scripts/bench --json: {error}") from error


def read_goals(path: Path = GOALS) -> list[Goal]:
    goals = json.loads(path.read_text(encoding="utf-8"))
    return [Goal(goal["row"], {what: goal[what] for what in goal if what != "row"}) for goal in goals]


def goal_of(row: Row, goals: list[Goal]) -> Goal | None:
    return next((goal for goal in goals if goal.is_for(row)), None)


def ratio_text(ratio: float) -> str:
    """Small ones with as many digits as large ones: 0.2 is a goal, and 0.204 misses it."""
    return f"{ratio:.3g}x" if 0 < ratio < 0.995 else f"{figure(ratio)}x"


def figure(number: float) -> str:
    """Three digits that mean something."""
    if not math.isfinite(number):
        return "-"
    if number == 0:
        return "0"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    digits = 3 if abs(number) < 0.0995 else 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:.{digits}f}"
