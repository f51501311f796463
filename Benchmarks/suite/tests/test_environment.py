import os
import sys
import tempfile
import unittest
from pathlib import Path

from suite.environment import interpreter


class Environments(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)

    def make(self, name, *, whole_at=None):
        folder = self.cache / "trawl-benchmarks" / name
        folder.mkdir(parents=True)
        if whole_at is not None:
            (folder / "whole").touch()
            os.utime(folder / "whole", (whole_at, whole_at))
        return folder / "bin/python"

    def found(self):
        return interpreter({"XDG_CACHE_HOME": str(self.cache)})

    def test_without_any_it_is_this_interpreter(self):
        self.assertEqual(self.found(), Path(sys.executable))

    def test_the_newest_that_is_whole_is_taken(self):
        self.make("z-old", whole_at=1000)
        newest = self.make("m-new", whole_at=3000)
        self.make("a-older", whole_at=2000)
        self.make("zz-half-made")
        self.assertEqual(self.found(), newest)
