import contextlib
import io
import unittest

from suite import report
from suite.__main__ import status
from suite.cases import CASES
from suite.goals import GOALS, Bound, Figure, Goal, as_json, verdicts
from suite.results import ClientRuns

from .samples import case, results, run


def goal(client="trawl-discard", figure=Figure.CPU, bound=Bound.AT_MOST, times=1.0, other="wrk", **changes):
    return Goal("keepalive-1k", client, figure, bound, times, other, **changes)


def only(wanted, clients=None):
    [one] = verdicts([case() if clients is None else case(clients=clients)], (wanted,))
    return one


class Declarations(unittest.TestCase):
    def test_each_goal_names_a_case_and_clients_of_it(self):
        names = {one.name: {client.name for client in one.clients} for one in CASES}
        for one in GOALS:
            self.assertIn(one.other, names[one.case])
            self.assertIn(one.client, names[one.case])

    def test_a_case_with_a_goal_runs_its_full_time(self):
        shares = {one.name: one.share for one in CASES}
        self.assertEqual({shares[one.case] for one in GOALS}, {1})

    def test_no_goal_is_there_twice(self):
        places = [(one.case, one.client, one.figure, one.other) for one in GOALS]
        self.assertEqual(len(set(places)), len(places))


class Verdicts(unittest.TestCase):
    def test_what_counts_is_the_median_of_the_ratios_within_rounds(self):
        clients = [
            ClientRuns("wrk", "wrk", [], [run(1), run(2), run(3)]),
            ClientRuns("trawl-discard", "trawl, discard", [], [run(4), run(2), run(3)]),
        ]
        # The ratio of the medians would be 1.5.
        self.assertEqual(only(goal(), clients).found, 1)

    def test_a_bound_is_kept_up_to_itself(self):
        clients = [ClientRuns("wrk", "wrk", [], [run(8)]), ClientRuns("trawl-discard", "t", [], [run(10)])]
        for bound, times, is_met in (
            (Bound.AT_MOST, 1.25, True), (Bound.AT_MOST, 1.24, False),
            (Bound.AT_LEAST, 1.25, True), (Bound.AT_LEAST, 1.26, False),
        ):
            one = only(goal(bound=bound, times=times), clients)
            self.assertEqual(one.found, 1.25)
            self.assertIs(one.is_met, is_met, (bound, times))

    def test_rates_are_of_the_time_and_not_of_the_cpu(self):
        slow = ClientRuns("trawl-discard", "t", [], [run(1, elapsed=20)])
        clients = [ClientRuns("wrk", "wrk", [], [run(8, elapsed=10)]), slow]
        self.assertEqual(only(goal(figure=Figure.RATE, bound=Bound.AT_LEAST), clients).found, 0.5)

    def test_the_other_client_need_not_be_the_first(self):
        one = only(goal(client="requests", bound=Bound.AT_LEAST, times=12, other="trawl-discard"))
        self.assertAlmostEqual(one.found, 610 / 9)

    def test_what_was_not_run_is_left_out(self):
        self.assertEqual(verdicts([case()], (goal(client="curl"), goal(other="floor"))), [])
        self.assertEqual(verdicts([case("chunked")], (goal(),)), [])

    def test_the_best_configuration_of_a_client_is_the_one_that_counts(self):
        clients = [
            ClientRuns("trawl-discard", "trawl", [], [run(10)]), ClientRuns("note", "n", [], [run(20)]),
            ClientRuns("note-16", "n, 16", [], [run(15)]), ClientRuns("notes", "another", [], [run(1)]),
        ]
        wanted = dict(client="note", bound=Bound.AT_LEAST, times=1.6, other="trawl-discard")
        one = only(goal(**wanted, in_all_configurations=True), clients)
        self.assertEqual((one.client, one.found, one.is_met), ("note-16", 1.5, False))
        self.assertEqual(only(goal(**wanted), clients).found, 2)

    def test_rounds_that_are_missing_are_an_error(self):
        clients = [ClientRuns("wrk", "wrk", [], [run(8), run(8)]), ClientRuns("trawl-discard", "t", [], [run(8)])]
        with self.assertRaises(ValueError):
            only(goal(), clients)


class Shown(unittest.TestCase):
    MISSED = [
        ClientRuns("wrk", "wrk", [], [run(10)]), ClientRuns("trawl-discard", "trawl, discard", [], [run(10.04)]),
    ]

    def test_the_table_says_what_is_missed_although_it_is_little(self):
        lines = report.goals_table([only(goal(), self.MISSED), only(goal())]).splitlines()
        said = "trawl, discard: CPU/request at most 1.00 x wrk"
        self.assertEqual(lines[2:], [
            f"| keepalive-1k | {said} | 1.004 | **MISSED** |", f"| keepalive-1k | {said} | 1.000 | met |",
        ])

    def test_the_goals_are_the_first_table_and_left_out_if_there_is_none(self):
        text = report.markdown(results())
        self.assertLess(text.index("## Goals"), text.index("## Trawl and wrk"))
        without = results()
        without.cases = [case("chunked")]
        self.assertNotIn("Goals", report.markdown(without))

    def test_json_has_the_goal_and_what_was_found(self):
        self.assertEqual(as_json([only(goal())]), [{
            "case": "keepalive-1k", "client": "trawl-discard", "figure": "CPU/request", "bound": "at most",
            "times": 1.0, "other": "wrk", "found": 1.0, "met": True,
        }])

    def test_the_suite_fails_if_a_goal_is_missed_in_a_full_run(self):
        for quick, clients, wanted in ((False, self.MISSED, 1), (True, self.MISSED, 0), (False, None, 0)):
            value = results(quick=quick)
            value.cases = [case(clients=clients) if clients else case()]
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(status(value), wanted)
