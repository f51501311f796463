import json
import unittest
from xml.etree import ElementTree

from suite import chart, report
from suite.figures import medians
from suite.results import as_json

from .samples import case, results, run

SVG = "{http://www.w3.org/2000/svg}"


class Markdown(unittest.TestCase):
    def test_every_table_has_as_many_cells_in_each_row(self):
        for block in report.markdown(results()).split("\n\n"):
            rows = [line.count("|") for line in block.splitlines() if line.startswith("|")]
            self.assertLessEqual(len(set(rows)), 1, block)

    def test_the_headline_is_trawl_beside_wrk_in_each_case(self):
        lines = report.headline(results()).splitlines()
        self.assertEqual(len(lines), 2 + 2)
        self.assertEqual(lines[2], "| 1 KiB | 9.00 | 9.00 | 0.90 / **1.00** / 1.00 | 1.00 |")

    def test_a_smoke_test_says_so(self):
        self.assertIn("mean nothing", report.markdown(results(quick=True)))
        self.assertNotIn("mean nothing", report.markdown(results()))
        self.assertIn("mean nothing", chart.svg(results(quick=True)))
        self.assertNotIn("mean nothing", chart.svg(results()))

    def test_new_connections_show_how_many_were_resumed(self):
        wanted = case("new-resumed", closes=True)
        wanted.clients[1].runs = [run(300, resumed=997_000)] * 3
        text = report.case_text(wanted)
        self.assertIn("| 99.7 % |", text)
        self.assertIn("| not said |", text)

    def test_a_client_with_too_few_connections_is_named(self):
        self.assertNotIn("had only", report.case_text(case()))
        self.assertIn("wrk had only 50 of 1,000 connections.", report.case_text(case(connections=1000)))

    def test_numbers_have_three_digits(self):
        self.assertEqual([report.number(v) for v in (7.126, 71.26, 712.6, 7126)], ["7.13", "71.3", "713", "7,126"])


def bars(root):
    return [shape for shape in root.findall(f"{SVG}rect") if shape.get("class") != "page"]


class Chart(unittest.TestCase):
    def test_it_is_xml_with_a_bar_for_each_client_and_each_case(self):
        root = ElementTree.fromstring(chart.svg(results()))
        self.assertEqual(len(bars(root)), 3 + 2)
        texts = [text.text for text in root.findall(f"{SVG}text")]
        self.assertIn("requests, <50> threads & more", texts)
        self.assertIn("600 us, 67.8 x wrk", texts)

    def test_bars_grow_with_the_cost_and_stay_inside(self):
        root = ElementTree.fromstring(chart.svg(results()))
        widths = [float(bar.get("width")) for bar in bars(root)][:3]
        self.assertLess(0, widths[0])
        self.assertLess(widths[0], widths[2])
        self.assertLess(widths[2], chart.PLOT)

    def test_the_line_at_one_is_where_wrk_ends(self):
        root = ElementTree.fromstring(chart.svg(results()))
        one = [line for line in root.findall(f"{SVG}line") if line.get("class") == "one"]
        bar = bars(root)[-1]
        # Trawl's median is 1.00 in the samples.
        self.assertAlmostEqual(float(one[0].get("x1")), float(bar.get("x")) + float(bar.get("width")), delta=0.2)

    def test_ticks_are_round_and_inside(self):
        self.assertEqual(chart.ticks(4, 60), [5, 10, 20, 50])


class Json(unittest.TestCase):
    def test_it_has_all_rounds_and_the_medians(self):
        value = json.loads(json.dumps(as_json(results(), medians(results().cases), [])))
        client = value["cases"][0]["clients"][2]
        self.assertEqual([run["user_seconds"] for run in client["runs"]], [590, 600, 610])
        self.assertEqual(client["medians"]["cpu_microseconds"], 600)
