"""The rows as a Markdown table: every row beside its reference and its goal."""

from rows import Goal, Row, figure, goal_of, ratio_text

HEAD = ["row", "metric", "value", "reference", "unit", "ratio", "goal", "", "the reference is"]
ALIGNED = [":--", ":--", "--:", "--:", ":--", "--:", "--:", ":--", ":--"]


def cells(row: Row, goal: Goal | None) -> list[str]:
    verdict = "" if goal is None else "met" if goal.is_met(row) else "**missed**"
    return [
        f"`{row.name}`", row.metric, figure(row.value), figure(row.reference_value), row.unit,
        ratio_text(row.ratio), goal.text() if goal else "", verdict, row.reference,
    ]  # fmt: skip


def markdown(rows: list[Row], goals: list[Goal], only_goals: bool = False) -> str:
    lines = [HEAD, ALIGNED]
    for row in rows:
        goal = goal_of(row, goals)
        if goal or not only_goals:
            lines.append(cells(row, goal))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def verdict(rows: list[Row], goals: list[Goal]) -> str:
    """How many goals are met, in a sentence. A goal that no row is for is named: it was not measured."""
    judged = [(row, goal) for row in rows if (goal := goal_of(row, goals))]
    met = sum(goal.is_met(row) for row, goal in judged)
    text = f"{met} of {len(judged)} rows that have a goal meet it."
    missing = [f"`{goal.row}`" for goal in goals if not any(goal.is_for(row) for row in rows)]
    return f"{text} Not measured: {', '.join(missing)}." if missing else text
