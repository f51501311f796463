"""The one error of the suite: something that makes the figures worthless, in words for who started it."""


class Trouble(Exception):
    """A run that failed, a check that does not hold, a machine that is unfit: the suite ends with the message."""
