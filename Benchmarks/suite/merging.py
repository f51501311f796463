"""results.json read again, as it was written by this suite or by an earlier one, and several of them as one. Pure."""

from collections.abc import Callable
from typing import Any

from .results import FIXED, CaseResult, ClientRuns, Results, Run
from .trouble import Trouble

# What is computed from the rounds each time anew.
COMPUTED = {"goals", "medians"}


def from_json(value: Any, file: str) -> Results:
    """`file`: what a message calls it."""
    try:
        results = Results(**kept(value) | {"cases": [case(one) for one in value["cases"]]})
    except (AttributeError, KeyError, TypeError) as error:
        raise Trouble(f"{file} is no results.json of this suite: {error}") from error
    for one in results.cases:
        rounds = {len(client.runs) for client in one.clients}
        if len(rounds) != 1 or 0 in rounds:
            raise Trouble(f"{file}: the clients of {one.name} have not the same number of rounds")
    # Before there was a choice.
    results.settings.setdefault("order", FIXED)
    return results


def case(value: dict[str, Any]) -> CaseResult:
    return CaseResult(**kept(value) | {"clients": [client(one) for one in value["clients"]]})


def client(value: dict[str, Any]) -> ClientRuns:
    return ClientRuns(**kept(value) | {"runs": [Run(**run) for run in value["runs"]]})


def kept(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in COMPUTED}


def merged(several: list[Results], order: list[str]) -> Results:
    """The cases of all, in the suite's order, and in `differences` what is not the same of machine and programs."""
    names = [case.name for results in several for case in results.cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        # To choose is not ours, and rounds of two runs have no order.
        raise Trouble(f"more than one of the files has the case {', '.join(twice)}")
    if len(several) == 1:
        return several[0]
    places = {name: place for place, name in enumerate(order)}
    cases = [case for results in several for case in results.cases]
    settings = joined([results.settings for results in several])
    return Results(
        machine=joined([results.machine for results in several]),
        versions=joined([results.versions for results in several]),
        settings=settings | {"quick": any(results.settings["quick"] for results in several)},
        began=min(results.began for results in several), ended=max(results.ended for results in several),
        cases=sorted(cases, key=lambda case: places.get(case.name, len(places))),
        differences=[line for results in several for line in results.differences] + differences(several),
    )


def joined(several: list[dict[str, Any]]) -> dict[str, Any]:
    """A value that all have is as it was, others are one text."""
    found: dict[str, list[Any]] = {}
    for values in several:
        for key, value in values.items():
            if value not in found.setdefault(key, []):
                found[key].append(value)
    return {key: values[0] if len(values) == 1 else " and ".join(map(str, values)) for key, values in found.items()}


def differences(several: list[Results]) -> list[str]:
    """For each thing that is not the same in all, which cases have which."""
    parts: tuple[Callable[[Results], dict[str, Any]], ...] = (
        lambda results: results.machine, lambda results: results.versions, lambda results: results.settings,
    )
    lines = []
    for part in parts:
        for key in dict.fromkeys(key for results in several for key in part(results)):
            by_value: dict[str, list[str]] = {}
            for results in several:
                # A program that only some cases need is no difference.
                if key in part(results):
                    by_value.setdefault(str(part(results)[key]), []).extend(case.name for case in results.cases)
            if len(by_value) > 1:
                lines.append(f"{key}: " + "; ".join(f"{text} ({', '.join(names)})" for text, names in by_value.items()))
    return lines
