"""What is written into the pages: Markdown, made of the records."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from common import results
from common.results import OURS, number
from common.sides import CLASSIC
from page.records import CPU, HEADLINE, Race, missed, races, suites, times, title

PRICES = Path(__file__).with_name("prices.toml")
FAST = "inference-server"


def headline() -> str:
    """Return the README's sentence: the first comparison of the headline's suite."""
    race = next(races(HEADLINE, suites()[HEADLINE]))
    ours, ratios = race.rows[OURS], results.ratios(race.rows)
    return (
        f"{number(ours['requests/s'])} requests/s on {race.run['machine']['cpus']} CPUs, 99 % of them answered within "
        f"{number(ours['p99 ms'])} ms: {ratios[FAST]['requests/s']:.1f} times as many as JPMorgan's inference-server, "
        f"{ratios[CLASSIC]['requests/s']:.1f} times as many as nginx, gunicorn and pandas, the stack of AWS's samples "
        f"(one row of CSV for each request, 8 connections, a decision tree of scikit-learn).\n"
    )


def figures() -> str:
    """Return the plots and tables of every suite."""
    lines = []
    for suite, runs in suites().items():
        for race in races(suite, runs):
            lines += comparison(race)
        lines += durations(suite, runs)
    return "\n".join(lines)


def comparison(race: Race) -> list[str]:
    """Return the plot and the table of a comparison of servers."""
    shown = race.shown()
    return [
        f"### {race.title}",
        "",
        f"![{race.title}: requests per second, and the latency that 99 % stay below](plots/{race.plot})",
        "",
        *results.grid(results.table(race.rounds, shown, results.ratios(shown))),
        "",
        f"Medians of {race.rounds} rounds; {circumstances(race.run)}. {link(race.suite)}",
        "",
    ]


def durations(suite: str, runs: Mapping[str, dict]) -> list[str]:
    """Return the table of what takes its time, nothing if a suite has none."""
    rows = [
        f"| {one.what} | {number(one.ours)} | {one.peer} | {number(one.theirs)} | {number(one.ratio)} x |"
        for one in times(runs)
    ]
    if not rows:
        return []
    where = dict.fromkeys(circumstances(run) for run in runs.values())
    return [
        f"### {title(suite)}: seconds",
        "",
        f"| | {OURS} | beside | | {OURS} / peer |",
        "|---|--:|---|--:|--:|",
        *rows,
        "",
        f"Medians; {'; '.join(where)}. {link(suite)}",
        "",
    ]


def circumstances(run: Mapping) -> str:
    """Return where and when a run was measured."""
    machine = run["machine"]
    # The server of the template until nginx came in front.
    server = ", the server of that day, Granian without nginx" if "granian" in run["versions"] else ""
    return f"{machine['cpus']} CPUs ({machine['cpu']}), date: {run['date']}{server}"


def link(suite: str) -> str:
    """Return a link to all that a suite has recorded."""
    return f"[All figures](../benchmarks/{suite}/results.md)"


def cost() -> str:
    """Return what a million predictions cost, for each comparison of servers and each price."""
    prices = tomllib.loads(PRICES.read_text())
    instances, serverless = prices["instances"], prices["serverless"]
    heads = [f"`{name}`, {price} USD an hour" for name, price in instances.items()]
    heads.append(f"serverless, {serverless['gigabytes']} GB")
    lines = [f"| | requests/s | {' | '.join(heads)} |", f"|---|--:|{'--:|' * len(heads)}"]
    for suite, runs in suites().items():
        for race in races(suite, runs):
            rate, cpu = (race.rows[OURS][column] for column in ("requests/s", CPU))
            billed = max(cpu / 1e6, serverless["least_seconds"])
            dollars = [price / 3600 / rate * 1e6 for price in instances.values()]
            dollars.append(billed * serverless["gigabytes"] * serverless["gigabyte_second"] * 1e6)
            cells = " | ".join(f"{amount:.2g}" for amount in dollars)
            lines.append(f"| {race.title} | {number(rate)} | {cells} |")
    return "\n".join(lines) + "\n"


def misses() -> str:
    """Return the bars that are missed, as a list."""
    lines = []
    for suite, runs in suites().items():
        for bar in missed(runs):
            kind = "at least" if "at least" in bar else "at most"
            wanted = f"{kind} {bar[kind]} {bar['unit']}"
            lines.append(f"- {bar['what']}: {number(bar['measured'])} {bar['unit']}, wanted {wanted}. {link(suite)}")
    return "\n".join(lines) + "\n"
