#!/usr/bin/env python3
"""Tests scripts/plot with a few fixed rows: goals are judged right, and the picture shows all that it should."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SCRIPTS / "plots"))

import picture
import publish
import rows
import table

PLOT = SCRIPTS / "plot"


def row(name, metric, value, reference_value, unit="us"):
    return {
        "name": name, "metric": metric, "value": value, "unit": unit, "reference": "something bare",
        "reference_value": reference_value, "ratio": value / reference_value,
    }  # fmt: skip


def peers(name, ours, theirs):
    return [row(f"peers.{name}", metric, ours, theirs * factor) for metric, factor in (("p50", 1), ("p99", 2))]


FIXED = [
    row("call.spin", "p50", 0.14, 0.1),
    row("call.spin", "p99", 0.35, 0.1),
    row("call.park", "p50", 60, 40),
    row("pipeline", "rate", 6_000_000, 10_000_000, "1/s"),
    row("load", "pss", 1700, 1100, "KiB each"),
    row("a row without a goal", "p50", 12345.6, 0.5),
    *peers("64B.iceoryx", 0.14, 1.4),
    *peers("64B.grpc", 0.14, 50),
    *peers("64B.iceoryx_parked", 45, 48),
    *peers("1MiB.iceoryx", 150, 120),
    *peers("1MiB.grpc", 150, 1600),
]  # fmt: skip


def read(fixed):
    return [rows.row_of(each) for each in fixed]


def is_met(condition, what="ratio", **changes):
    """Whether such a row meets such a goal."""
    fixed = row("a", "p50", 3, 2, "ms") | changes
    return rows.Goal("a.p50", {what: condition}).is_met(rows.Row(**fixed))


class Goals(unittest.TestCase):
    def test_a_ratio_meets_its_goal_up_to_the_limit_itself(self):
        self.assertTrue(is_met("<= 1.5"))
        self.assertFalse(is_met("<= 1.49"))
        self.assertTrue(is_met(">= 1.5"))
        self.assertFalse(is_met(">= 1.51"))

    def test_a_value_is_compared_in_the_unit_of_the_goal(self):
        self.assertTrue(is_met("<= 3000 us", "value"))
        self.assertFalse(is_met("<= 2999 us", "value"))
        self.assertTrue(is_met("<= 1 ms", "above"))
        self.assertFalse(is_met("<= 0.9 ms", "above"))
        self.assertTrue(is_met(">= 5 M/s", "value", value=5e6, unit="1/s"))
        self.assertTrue(is_met("<= 700 KiB", "above", value=1700, reference_value=1000, unit="KiB each"))
        self.assertFalse(is_met("<= 700 KiB", "above", value=1701, reference_value=1000, unit="KiB each"))

    def test_a_ratio_to_nothing_meets_no_goal(self):
        nothing = rows.row_of(row("call.spin", "p50", 1, 1) | {"reference_value": 0, "ratio": None})
        self.assertIn("| -x | ≤ 1.5x | **missed** |", table.markdown([nothing], rows.read_goals()))

    def test_a_unit_that_does_not_fit_is_an_error_and_no_verdict(self):
        with self.assertRaisesRegex(SystemExit, "a goal in KiB for a.p50, whose unit is ms"):
            is_met("<= 1 KiB", "value")

    def test_all_conditions_of_a_goal_count(self):
        goal = rows.Goal("pipeline.rate", {"ratio": ">= 0.5", "value": ">= 5 M/s"})
        self.assertTrue(goal.is_met(rows.Row(**row("pipeline", "rate", 6e6, 1e7, "1/s"))))
        self.assertFalse(goal.is_met(rows.Row(**row("pipeline", "rate", 4e6, 5e6, "1/s"))))
        self.assertFalse(goal.is_met(rows.Row(**row("pipeline", "rate", 6e6, 2e7, "1/s"))))

    def test_the_file_of_goals_can_be_read_and_judged(self):
        for goal in rows.read_goals():
            self.assertTrue(goal.text())
            self.assertTrue(goal.conditions.keys() <= {"ratio", "value", "above"}, goal)
            for condition in goal.conditions.values():
                comparison, limit, *unit = condition.split()
                self.assertIn(comparison, rows.COMPARISONS)
                float(limit)
                self.assertTrue(not unit or unit[0] in rows.UNITS, goal)


class Tables(unittest.TestCase):
    def setUp(self):
        self.goals = rows.read_goals()
        self.lines = table.markdown(read(FIXED), self.goals).splitlines()

    def line(self, start):
        return next(line for line in self.lines if line.startswith(f"| {start} "))

    def test_each_row_has_a_line(self):
        self.assertEqual(len(self.lines), 2 + len(FIXED))
        self.assertEqual({line.count("|") for line in self.lines}, {10})

    def test_a_goal_is_met_or_missed(self):
        self.assertIn("| ≤ 1.5x | met |", self.line("`call.spin` | p50"))
        self.assertIn("| ≤ 3x | **missed** |", self.line("`call.spin` | p99"))
        self.assertIn("| ≥ 0.5x, value ≥ 5 M/s | met |", self.line("`pipeline` | rate"))
        self.assertIn("| above the reference ≤ 700 KiB | met |", self.line("`load` | pss"))
        self.assertIn("| ≤ 0.01x | met |", self.line("`peers.64B.grpc` | p50"))
        self.assertIn("| ≤ 1x | **missed** |", self.line("`peers.1MiB.iceoryx` | p50"))

    def test_what_has_no_goal_is_not_judged(self):
        self.assertIn("| 12,346 | 0.50 | us | 24,691x |  |  |", self.line("`a row without a goal`"))

    def test_a_ratio_that_misses_by_little_does_not_look_as_if_it_met(self):
        self.assertEqual([rows.ratio_text(ratio) for ratio in (0.2041, 0.0031, 1.5, 12.34, 0)],
                         ["0.204x", "0.0031x", "1.50x", "12.3x", "0x"])  # fmt: skip

    def test_a_table_of_goals_leaves_out_the_others(self):
        text = table.markdown(read(FIXED), self.goals, only_goals=True)
        self.assertNotIn("without a goal", text)
        self.assertIn("`call.spin`", text)

    def test_the_verdict_counts(self):
        # Missed: call.spin p99, call.park, peers.1MiB.iceoryx.
        measured = [goal for goal in self.goals if any(goal.is_for(row) for row in read(FIXED))]
        self.assertEqual(table.verdict(read(FIXED), measured), "6 of 9 rows that have a goal meet it.")

    def test_the_verdict_names_goals_that_were_not_measured(self):
        goals = [rows.Goal("call.spin.p50", {"ratio": "<= 1.5"}), rows.Goal("call.nothing.*", {"ratio": "<= 1"})]
        self.assertEqual(
            table.verdict(read(FIXED), goals), "1 of 1 rows that have a goal meet it. Not measured: `call.nothing.*`."
        )

    def test_each_goal_is_for_a_row_of_the_last_published_results(self):
        published = rows.read_rows(rows.ROOT / publish.RESULTS / "rows.json")
        self.assertNotIn("Not measured", table.verdict(published, self.goals))

    def test_one_thread_beside_one_thread_has_no_goal(self):
        alone = read([row("threads.1", metric, 1, 1) for metric in ("rate", "share", "wait")])
        self.assertEqual([rows.goal_of(each, self.goals) for each in alone], [None] * 3)

    def test_a_published_section_replaces_the_one_before(self):
        page = f"before\n{publish.BEGIN}old\n{publish.END}after\n"
        page = publish.replace_between_marks(page, "new")
        page = publish.replace_between_marks(page, publish.section(read(FIXED), self.goals, "on 1 May"))
        self.assertTrue(page.startswith("before\n") and page.endswith("after\n"))
        self.assertNotIn("new", page)
        self.assertEqual(page.count("As measured on 1 May"), 1)
        with self.assertRaises(SystemExit):
            publish.replace_between_marks("no marks", "new")


class Scratch(unittest.TestCase):
    """A folder with the fixed rows, for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = Path(scratch.name)
        cls.rows = cls.write("rows.json", json.dumps(FIXED))

    @classmethod
    def write(cls, name, text):
        path = cls.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @staticmethod
    def plot(*arguments):
        return subprocess.run([PLOT, *arguments], capture_output=True, text=True, check=False)


class Commands(Scratch):
    def test_the_table_is_printed(self):
        done = self.plot(self.rows)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| `call.spin` | p50 | 0.14 | 0.10 | us | 1.40x | ≤ 1.5x | met |", done.stdout)

    def test_what_holds_no_rows_is_an_error_in_a_sentence(self):
        done = self.plot(self.write("others.json", '{"not": "rows"}'))
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not hold rows of scripts/bench --json", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_wrong_usage_is_status_2(self):
        self.assertEqual(self.plot().returncode, 2)


class Pictures(Scratch):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.plot(cls.rows, "--svg", cls.folder / "speed.svg").returncode != 0:
            if any(has_matplotlib(python) for python in ("python3", "/usr/bin/python3")):
                raise AssertionError("there is matplotlib, but no picture")
            raise unittest.SkipTest("there is no matplotlib; scripts/setup --plot installs it")

    def test_both_pictures_are_svg_and_differ_in_their_colours_only(self):
        light, dark = ((self.folder / name).read_text() for name in ("speed.svg", "speed-dark.svg"))
        for text in (light, dark):
            self.assertTrue(ElementTree.fromstring(text).tag.endswith("svg"))
        self.assertIn(picture.THEMES[""].ground, light)
        self.assertIn(picture.THEMES["-dark"].ground, dark)
        for ours, theirs in zip(vars(picture.THEMES[""]).values(), vars(picture.THEMES["-dark"]).values()):
            light = light.replace(ours, theirs)
        # matplotlib names a marker after its colours.
        self.assertEqual(*(re.sub(r"\bm[0-9a-f]{10}\b", "", text) for text in (light, dark)))

    def test_each_label_is_there(self):
        # Letters are outlines; matplotlib says in a comment what they spell.
        text = (self.folder / "speed.svg").read_text()
        for label in ("Bulkhead", "iceoryx", "iceoryx, WaitSet", "gRPC", "64 B echo, one call after another",
                      "0.14 µs", "1.60 ms", "bare cache line: 0.10 µs", "bare futex: 40.0 µs"):  # fmt: skip
            self.assertIn(f"<!-- {label} -->", text)
        self.assertNotIn("<!-- Cap'n Proto RPC -->", text)  # not measured

    def test_the_same_rows_make_the_same_picture(self):
        self.plot(self.rows, "--svg", self.folder / "again.svg")
        self.assertEqual((self.folder / "again.svg").read_bytes(), (self.folder / "speed.svg").read_bytes())

    def test_rows_without_peers_are_refused(self):
        done = self.plot(self.write("bare.json", json.dumps(FIXED[:3])), "--svg", self.folder / "none.svg")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no peers to draw", done.stderr)


def has_matplotlib(python):
    return shutil.which(python) and subprocess.run([python, "-c", "import matplotlib"], capture_output=True).returncode == 0


if __name__ == "__main__":
    unittest.main()
