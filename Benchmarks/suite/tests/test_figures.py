import unittest

from suite.figures import Spread, figures, medians, spread
from suite.results import ClientRuns

from .samples import case, run


class Arithmetic(unittest.TestCase):
    def test_a_spread_is_of_all_values(self):
        self.assertEqual(spread([3, 1, 2]), Spread(1, 2, 3))
        self.assertEqual(spread([4, 1, 3, 2]), Spread(1, 2.5, 4))

    def test_cpu_is_per_request(self):
        value = run(cpu=8.0, requests=2_000_000)
        self.assertAlmostEqual(value.cpu_microseconds_per_request, 4.0)
        self.assertAlmostEqual(value.requests_per_second, 200_000)

    def test_a_ratio_is_to_the_same_round(self):
        # All of the machine became slower in the second round; the ratio did not.
        base = ClientRuns("wrk", "wrk", [], [run(8, elapsed=10), run(16, elapsed=20), run(8, elapsed=10)])
        other = ClientRuns("x", "x", [], [run(4, elapsed=20), run(8, elapsed=40), run(6, elapsed=20)])
        value = figures(other, base)
        self.assertEqual(value.cpu_ratio, Spread(0.5, 0.5, 0.75))
        self.assertEqual(value.rate_ratio, 0.5)

    def test_rounds_that_are_missing_are_an_error(self):
        with self.assertRaises(ValueError):
            figures(ClientRuns("x", "x", [], [run(4)]), ClientRuns("wrk", "wrk", [], [run(8), run(8)]))

    def test_resumed_sessions_are_a_share_if_they_are_known(self):
        base = ClientRuns("wrk", "wrk", [], [run(8)])
        self.assertIsNone(figures(base, base).resumed_share)
        other = ClientRuns("x", "x", [], [run(4, resumed=997_000)])
        self.assertAlmostEqual(figures(other, base).resumed_share, 0.997)

    def test_medians_are_by_case_and_client(self):
        value = medians([case()])["keepalive-1k"]
        self.assertEqual(list(value), ["wrk", "trawl-discard", "requests"])
        self.assertAlmostEqual(value["requests"]["cpu_microseconds"], 600)
        self.assertAlmostEqual(value["trawl-discard"]["cpu_ratio"]["least"], 0.9)
