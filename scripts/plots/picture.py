"""The peers beside Bulkhead as a picture: time of an echo on a log scale, the bare reference as a line."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rows import Row, figure

# Name of the rows -> what the picture calls it.
NAMES = {
    "iceoryx": "iceoryx",
    "message_queue": "Boost message_queue",
    "unix_socket": "Unix socket",
    "capnproto": "Cap'n Proto RPC",
    "grpc": "gRPC",
    "iceoryx_parked": "iceoryx, WaitSet",
    "message_queue_parked": "Boost message_queue",
    "unix_socket_parked": "Unix socket",
}
# Size -> title, the rows with the bare reference, and what that is. It is no limit: who wakes the other side may spin for
# its answer, and so pay one wake-up where the bare futex pays two.
PANELS = {
    "64B": ("64 B echo", {"awake": ("call.spin", "bare cache line"), "parked": ("call.park", "bare futex")}),
    "1MiB": ("1 MiB echo", {"awake": ("payload.1MiB", "bare copies"), "parked": ("payload.1MiB", "bare copies")}),
}
GROUPS = {"awake": "one call after another", "parked": "asleep before each call"}


@dataclass(frozen=True)
class Theme:
    ground: str
    text: str
    quiet: str
    grid: str
    ours: str
    theirs: str
    bare: str


THEMES = {
    "": Theme("#ffffff", "#1f2328", "#59636e", "#e4e8ec", "#0969da", "#8c959f", "#bc4c00"),
    "-dark": Theme("#0d1117", "#e6edf3", "#9198a1", "#262c36", "#58a6ff", "#8b949e", "#f0883e"),
}


@dataclass(frozen=True)
class Mark:
    """A line of a panel."""

    label: str
    p50: float
    p99: float
    ours: bool


def marks(rows: list[Row], size: str, group: str) -> list[Mark]:
    """Bulkhead and the peers of a group, the fastest first. Microseconds."""
    found = {(row.name, row.metric): row for row in rows}
    theirs, ours = [], []
    for name, label in NAMES.items():
        p50, p99 = (found.get((f"peers.{size}.{name}", metric)) for metric in ("p50", "p99"))
        if p50 and p99 and name.endswith("_parked") == (group == "parked"):
            theirs.append(Mark(label, p50.reference_value, p99.reference_value, False))
            ours.append((p50.value, p99.value))
    if not ours:
        return []
    # It was measured beside each of them.
    bulkhead = Mark("Bulkhead", median(p50 for p50, _ in ours), median(p99 for _, p99 in ours), True)
    return sorted([bulkhead, *theirs], key=lambda mark: mark.p50)


def bare(rows: list[Row], name: str) -> float | None:
    return next((row.reference_value for row in rows if row.name == name and row.metric == "p50"), None)


def time_text(microseconds: float) -> str:
    return f"{figure(microseconds)} µs" if microseconds < 1000 else f"{figure(microseconds / 1000)} ms"


def draw_group(axes, group_marks: list[Mark], theme: Theme) -> None:
    for place, mark in enumerate(group_marks):
        color = theme.ours if mark.ours else theme.theirs
        axes.plot([mark.p50, max(mark.p99, mark.p50)], [place, place], color=color, linewidth=2.2, alpha=0.55)
        axes.plot([mark.p50], [place], "o", color=color, markersize=8 if mark.ours else 7)
        axes.annotate(
            time_text(mark.p50), (max(mark.p99, mark.p50), place), xytext=(9, 0), textcoords="offset points",
            va="center", color=theme.text, fontsize=9, fontweight="bold" if mark.ours else "normal",
        )  # fmt: skip
    axes.set_yticks(range(len(group_marks)), [mark.label for mark in group_marks])
    for label, mark in zip(axes.get_yticklabels(), group_marks):
        label.set_color(theme.ours if mark.ours else theme.text)
        label.set_fontweight("bold" if mark.ours else "normal")
    axes.set_ylim(len(group_marks) - 0.4, -0.95)


def draw_bare(axes, value: float | None, what: str, theme: Theme) -> None:
    if value is None:
        return
    axes.axvline(value, color=theme.bare, linewidth=1.3, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{what}: {time_text(value)}", (value, -0.68), xytext=(5, 0), textcoords="offset points", va="center",
        color=theme.bare, fontsize=8.5,
    )  # fmt: skip


def style(axes, theme: Theme, lowest: float, highest: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(lowest / 1.6, highest * 4)  # the last label has room behind its dot
    axes.xaxis.set_major_locator(LogLocator(10, numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g} µs" if value < 999 else f"{value / 1000:g} ms")
    )
    axes.set_facecolor(theme.ground)
    axes.grid(axis="x", color=theme.grid, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelsize=9.5)
    axes.tick_params(axis="x", labelcolor=theme.quiet, labelsize=8.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw(rows: list[Row], theme: Theme, target: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same rows make the same bytes, and letters are outlines, so that no font decides what fits.
    matplotlib.rcParams.update({"svg.hashsalt": "bulkhead", "svg.fonttype": "path", "font.family": "DejaVu Sans"})
    from matplotlib import pyplot

    everything = {(size, group): marks(rows, size, group) for size in PANELS for group in GROUPS}
    if not any(everything.values()):
        raise SystemExit("plot: these rows have no peers to draw; scripts/bench peers measures them.")
    heights = [max(2, *(len(everything[size, group]) for size in PANELS)) + 1.0 for group in GROUPS]
    figure_, grid = pyplot.subplots(
        2, 2, figsize=(11, 0.36 * sum(heights) + 1.5), gridspec_kw={"height_ratios": heights}, squeeze=False,
        facecolor=theme.ground, layout="constrained",
    )  # fmt: skip
    figure_.get_layout_engine().set(w_pad=0.12, h_pad=0.08, wspace=0.04, hspace=0.05)
    for column, (size, (title, references)) in enumerate(PANELS.items()):
        times = [t for group in GROUPS for mark in everything[size, group] for t in (mark.p50, mark.p99)]
        times += [value for name, _ in references.values() if (value := bare(rows, name))]
        for line, (group, how) in enumerate(GROUPS.items()):
            axes = grid[line][column]
            draw_group(axes, everything[size, group], theme)
            draw_bare(axes, bare(rows, references[group][0]), references[group][1], theme)
            style(axes, theme, min(times, default=1), max(times, default=10))
            axes.set_title(f"{title}, {how}", loc="left", color=theme.text, fontsize=11, fontweight="bold", pad=6)
    figure_.supxlabel(
        "round trip between two processes, log scale, left is faster; dot: p50, line: to p99; dashed: bare means",
        color=theme.quiet, fontsize=9,
    )  # fmt: skip
    figure_.savefig(target, format="svg", facecolor=theme.ground, metadata={"Date": None})
    pyplot.close(figure_)


def draw_all(rows: list[Row], target: Path) -> list[Path]:
    """For pages with a light and with a dark ground: speed.svg and speed-dark.svg."""
    made = []
    for suffix, theme in THEMES.items():
        path = target.with_name(target.stem + suffix + target.suffix)
        draw(rows, theme, path)
        made.append(path)
    return made
