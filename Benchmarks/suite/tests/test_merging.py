import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from suite import report, settings
from suite.__main__ import render
from suite.figures import medians
from suite.goals import as_json as goals_as_json
from suite.goals import verdicts
from suite.merging import from_json, merged
from suite.results import as_json
from suite.trouble import Trouble

from .samples import case, results

NAMES = ["keepalive-1k", "chunked", "new-full"]


def values(of):
    """As a file has them."""
    return json.loads(json.dumps(as_json(of, medians(of.cases), goals_as_json(verdicts(of.cases)))))


def some(*names, **changes):
    value = results()
    value.cases = [case(name) for name in names]
    for key, change in changes.items():
        setattr(value, key, getattr(value, key) | change if isinstance(change, dict) else change)
    return value


class Reading(unittest.TestCase):
    def test_what_was_written_is_read_and_shown_as_it_was(self):
        again = from_json(values(results()), "file")
        self.assertEqual(values(again), values(results()))
        self.assertEqual(report.markdown(again), report.markdown(results()))

    def test_a_file_from_before_there_were_goals_has_goals_and_its_own_order(self):
        old = values(results())
        del old["goals"], old["differences"], old["settings"]["order"]
        for one in old["cases"]:
            for client in one["clients"]:
                for run in client["runs"]:
                    del run["context_switches"]
        text = report.markdown(from_json(old, "file"))
        self.assertIn("## Goals", text)
        self.assertIn("in every round.", text)
        self.assertNotIn("next client of the case", text)

    def test_something_else_is_no_results(self):
        strange = values(results())
        strange["cases"][0]["clients"][0]["runs"][0]["wheels"] = 4
        short = values(results())
        short["cases"][0]["clients"][0]["runs"].pop()
        for value in ([], {}, {"cases": []}, 3, strange, short):
            with self.assertRaises(Trouble):
                from_json(value, "file")


class Merging(unittest.TestCase):
    def test_one_is_as_it_is(self):
        self.assertEqual(merged([results()], NAMES), results())

    def test_the_cases_of_both_are_in_the_order_of_the_suite(self):
        both = merged([some("new-full", began="2026-01-02"), some("keepalive-1k", began="2026-01-01")], NAMES)
        self.assertEqual([one.name for one in both.cases], ["keepalive-1k", "new-full"])
        self.assertEqual(both.began, "2026-01-01")
        self.assertEqual(both.differences, [])
        self.assertNotIn("differ", report.markdown(both))

    def test_the_report_says_what_differs_and_where(self):
        first, second = some("chunked", "new-full"), some("keepalive-1k", versions={"checkout": "fed"})
        both = merged([first, second], NAMES)
        line = "checkout: 0123456789abcdef (chunked, new-full); fed (keepalive-1k)"
        self.assertEqual(both.differences, [line])
        self.assertEqual(both.versions["checkout"], "0123456789abcdef and fed")
        self.assertIn(f"\n- {line}\n", report.markdown(both))
        other = merged([some("chunked"), some("new-full", machine={"processor": "Q"})], NAMES)
        self.assertEqual(other.differences, ["processor: P (chunked); Q (new-full)"])

    def test_differences_stay_when_a_third_is_added(self):
        both = merged([some("chunked"), some("new-full", machine={"processor": "Q"})], NAMES)
        again = from_json(values(both), "file")
        self.assertEqual(merged([again, some("keepalive-1k")], NAMES).differences[0], both.differences[0])

    def test_a_program_that_only_one_needs_is_no_difference(self):
        both = merged([some("chunked", versions={"aiohttp": "3"}), some("new-full")], NAMES)
        self.assertEqual(both.differences, [])
        self.assertEqual(both.versions["aiohttp"], "3")

    def test_rounds_and_orders_of_several_runs_are_said(self):
        both = merged([some("chunked"), some("new-full", settings={"rounds": 5, "order": "fixed"})], NAMES)
        text = report.markdown(both)
        self.assertIn("3 and 5 rounds", text)
        self.assertIn("differs from run to run", text)

    def test_one_smoke_test_makes_all_of_it_one(self):
        smoke = some("new-full", settings={"quick": True})
        self.assertIs(merged([some("chunked"), smoke], NAMES).settings["quick"], True)

    def test_a_case_of_two_files_is_refused(self):
        with self.assertRaisesRegex(Trouble, "chunked"):
            merged([some("chunked"), some("chunked", "new-full")], NAMES)


class Rendering(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def file(self, name, of):
        (self.folder / name).mkdir()
        file = self.folder / name / "results.json"
        file.write_text(json.dumps(values(of)))
        return file

    def render(self, *files, to):
        with contextlib.redirect_stderr(io.StringIO()):
            render(files, NAMES, to)

    def test_a_file_that_is_read_stays_as_it_is(self):
        file = self.file("a", results())
        before = file.read_bytes()
        self.render(file, to=file.parent)
        self.assertEqual(file.read_bytes(), before)
        self.assertEqual({one.name for one in file.parent.iterdir()}, {"results.json", "results.md", "chart.svg"})
        self.assertIn("made later", (file.parent / "results.md").read_text())

    def test_several_go_to_a_folder_of_their_own(self):
        files = self.file("a", some("chunked")), self.file("b", some("keepalive-1k"))
        with self.assertRaises(Trouble):
            self.render(*files, to=files[0].parent)
        self.render(*files, to=self.folder / "c")
        kept = json.loads((self.folder / "c/results.json").read_text())
        self.assertEqual([one["name"] for one in kept["cases"]], ["keepalive-1k", "chunked"])
        self.assertEqual(len(kept["goals"]), 2)

    def test_what_cannot_be_read_is_named(self):
        broken = self.folder / "results.json"
        for text in (None, "{", "[]"):
            if text:
                broken.write_text(text)
            with self.assertRaisesRegex(Trouble, "results.json"):
                self.render(broken, to=self.folder / "d")
        self.assertFalse((self.folder / "d").exists())


class Arguments(unittest.TestCase):
    GIVEN = ["--trawl", ".", "--python", sys.executable]

    def test_one_file_is_shown_in_its_folder_and_several_where_results_are(self):
        one = settings.parse([*self.GIVEN, "--render", "/a/results.json"], NAMES)
        self.assertEqual((one.render, one.output), ((Path("/a/results.json"),), Path("/a")))
        two = settings.parse([*self.GIVEN, "--render", "/a/results.json", "/b/results.json"], NAMES)
        self.assertEqual(two.output.name, "results")
        said = settings.parse([*self.GIVEN, "--render", "/a/results.json", "--output", "/c"], NAMES)
        self.assertEqual(said.output, Path("/c"))

    def test_the_shell_needs_nothing_installed_to_render(self):
        script = Path(__file__).resolve().parents[2] / "run.sh"
        done = subprocess.run(
            ["bash", script, "--render", "/nowhere/results.json"], capture_output=True, text=True, timeout=20
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("run.sh: /nowhere/results.json cannot be read", done.stderr)

