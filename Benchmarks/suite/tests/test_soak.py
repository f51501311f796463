import tempfile
import unittest
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from processes import Sample
from soak import CLIENTS, Reports, command, programs_of, progress_of_records, task_of
from soak_report import apart, judgements, markdown, svg, ticks
from soak_tenths import Look, Soak, in_order, moments, tenths, value_at
from suite.server import Server

MIB = 2**20


def sample(cpu=0.0, mib=40.0, descriptors=26, threads=5):
    return Sample(int(mib * MIB) + MIB, int(mib * MIB), descriptors, threads, cpu)


def soak(figures=lambda second: {}, rates=(100,) * 10, client="trawl"):
    """Ten seconds, as many rows in each as said; `figures` are those of the one process at a second."""
    progress = [(0.0, 0.0)]
    for second, rate in enumerate(rates, 1):
        progress.append((float(second), progress[-1][1] + rate))
    looks = [
        Look(second, {"coordinator": sample(**({"cpu": second / 2} | figures(second)))}) for second in range(10)
    ]
    return Soak(client, sum(rates), progress, looks, (10.0, 5.0))


def verdicts(one):
    return {judgement.what.split(",")[0]: judgement.is_met for judgement in judgements(one)}


class Arithmetic(unittest.TestCase):
    def test_between_two_points_is_a_line_and_outside_the_nearest(self):
        points = [(1.0, 10.0), (3.0, 30.0)]
        self.assertEqual([value_at(points, x) for x in (0, 1, 2, 3, 4)], [10, 10, 20, 30, 30])

    def test_tenths_are_of_equally_many_rows_not_of_equal_times(self):
        # Twice as fast from the middle of the time on.
        bounds = moments([(0.0, 0.0), (6.0, 600.0), (9.0, 1200.0)])
        self.assertEqual([round(bound, 6) for bound in bounds], [0, 1.2, 2.4, 3.6, 4.8, 6, 6.6, 7.2, 7.8, 8.4, 9])

    def test_cpu_of_a_tenth_is_what_was_used_in_its_time(self):
        parts = tenths([(0.0, 0.0), (10.0, 1000.0)], [(-1.0, 0.0), (0.0, 3.0), (9.0, 12.0), (11.0, 12.0)])
        self.assertAlmostEqual(parts[0].cpu_microseconds, 10_000)
        self.assertAlmostEqual(parts[9].cpu_microseconds, 0)
        self.assertAlmostEqual(parts[0].rate, 100)

    def test_rows_that_are_recorded_out_of_order_do_not_turn_time_back(self):
        self.assertEqual(in_order([(1, 10), (3, 20), (2, 30), (4, 40)]), [(1, 10), (3, 20), (3, 30), (4, 40)])

    def test_the_start_of_a_process_is_no_growth(self):
        one = soak(lambda second: {"mib": 5 if second == 0 else 40})
        self.assertEqual(one.course("coordinator", lambda each: each.pss_bytes / MIB).growth, 0)


class Judgements(unittest.TestCase):
    def test_what_stays_as_it_is_is_met(self):
        self.assertEqual(set(verdicts(soak()).values()), {True})

    def test_a_slower_last_tenth_is_missed(self):
        self.assertFalse(verdicts(soak(rates=(100,) * 9 + (96,)))["rate of the last tenth"])
        self.assertTrue(verdicts(soak(rates=(100,) * 9 + (98,)))["rate of the last tenth"])

    def test_a_dearer_last_tenth_is_missed(self):
        one = soak(lambda second: {"cpu": second / 2.2})
        self.assertFalse(verdicts(one)["CPU of its requests"])

    def test_memory_that_grows_with_rows_is_missed(self):
        one = soak(lambda second: {"mib": 40 + second})
        self.assertFalse(verdicts(one)["memory of coordinator since the first tenth"])

    def test_more_descriptors_or_threads_are_missed_and_fewer_are_not(self):
        more = verdicts(soak(lambda second: {"descriptors": 26 + (second == 5), "threads": 5 - (second == 9)}))
        self.assertFalse(more["descriptors of coordinator"])
        self.assertTrue(more["threads of coordinator"])


class Running(unittest.TestCase):
    def test_every_client_has_its_program_and_fifty_connections(self):
        task = task_of(Path("/s"), Server(Path("/s/server"), 0), 1000)
        for name in CLIENTS:
            words = command(name, task, programs_of(Path("/t"), Path("/p/python")))
            self.assertIn("50", words, name)
            self.assertIn("/s/list", words, name)
            for word in words:
                if word.endswith(".py"):
                    self.assertTrue(Path(word).exists(), word)


class Reading(unittest.TestCase):
    def test_progress_is_that_of_the_records(self):
        line = '{{"seq":{0},"started_at":"2026-11-23T22:54:{1:02}.500000Z","time":{{"total":0.25}}}}\n'
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.jsonl"
            file.write_text("".join(line.format(row, row // 1000) for row in range(30_000)))
            found = list(progress_of_records(file))
        self.assertEqual((found[0][1], found[-1][1]), (0, 30_000))
        self.assertAlmostEqual(found[-1][0] - found[0][0], 29.25)
        self.assertTrue(all(before[1] < after[1] for before, after in pairwise(found)))

    def test_the_clock_of_a_client_is_that_of_its_promptest_report(self):
        said = ["1 100\n", "1 100\n2 2", "1 100\n2 200\n"]
        reports = Reports(lambda: said.pop(0))
        for _ in range(3):
            reports.read()
        (begin, nothing), *rest = reports.progress
        self.assertEqual(nothing, 0)
        self.assertEqual([(round(seconds - begin, 6), rows) for seconds, rows in rest], [(1, 100), (2, 200)])


class Shown(unittest.TestCase):
    def test_the_report_has_every_tenth_and_the_verdicts_of_trawl_alone(self):
        text = markdown([soak(), soak(client="requests")])
        self.assertEqual(text.count("| 10 | 100 | 1.000 |"), 2)
        self.assertEqual(text.count("| verdict |"), 1)

    def test_the_chart_is_xml_with_a_curve_for_each_client_in_both_panels(self):
        root = ElementTree.fromstring(svg([soak(), soak(client="a<b")]))
        self.assertEqual(len(root.findall("{*}polyline")), 4)

    def test_an_axis_has_a_few_round_numbers(self):
        self.assertEqual(ticks(1.1), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0])
        self.assertEqual(ticks(45), [0, 10, 20, 30, 40])

    def test_labels_do_not_lie_on_one_another(self):
        self.assertEqual(apart([100, 98, 50]), [100, 85, 50])
