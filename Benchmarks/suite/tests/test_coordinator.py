import json
import unittest
from xml.etree import ElementTree

from coordinator import CASES, lines
from coordinator_report import JUDGED, Case, Figures, Run, markdown, svg, verdict


def figures(name, *microseconds):
    runs = [Run(1_000_000, 900_000, cost, 60 << 20, {"input": 1.0, "writer": 3.0}) for cost in microseconds]
    return Figures(Case(name, 10), runs)


class Coordinator(unittest.TestCase):
    def test_the_judged_case_is_one_of_those_that_are_run(self):
        self.assertIn(JUDGED, [case.name for case in CASES])

    def test_cpu_is_for_a_row_and_its_threads_add_up_to_it(self):
        one = figures(JUDGED, 0.8)
        self.assertAlmostEqual(one.cpu_microseconds.median, 0.8)
        self.assertEqual(list(one.thread_microseconds), ["writer", "input"])
        self.assertAlmostEqual(sum(one.thread_microseconds.values()), 0.8)

    def test_the_bound_is_for_the_median_of_the_judged_case(self):
        self.assertTrue(verdict([figures("other", 9), figures(JUDGED, 0.8, 0.9, 5)]))
        self.assertFalse(verdict([figures(JUDGED, 0.8, 1.1, 5)]))
        self.assertIsNone(verdict([figures("other", 9)]))

    def test_what_is_shown_has_all_cases(self):
        shown = [figures(JUDGED, 0.8, 1.2), figures("a<b", 1.5)]
        self.assertIn("| 10 agents | 0.80 / **1.00** / 1.20 | 900,000 | 60 |", markdown(shown, "3 rounds."))
        self.assertEqual(len(ElementTree.fromstring(svg(shown)).findall("{*}rect")), 2)

    def test_the_list_holds_distinct_rows_of_all_origins(self):
        urls = list(lines(3000, 1000, json_lines=False))
        self.assertEqual(len(set(urls)), 3000)
        self.assertEqual(len({url.split("/")[2] for url in urls}), 1000)
        objects = [json.loads(line) for line in lines(10, 1000, json_lines=True)]
        self.assertEqual([one["url"] + "\n" for one in objects], urls[:10])
        self.assertEqual(len({one["id"] for one in objects}), 10)
