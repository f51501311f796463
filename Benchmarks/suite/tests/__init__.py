"""Tests of what is pure: outputs, arithmetic, lists, reports. They start nothing but one meter and take no second.

    python3 -B -m unittest discover --start-directory Benchmarks/suite/tests --top-level-directory Benchmarks
"""
