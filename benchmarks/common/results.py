"""The one form in which all suites record what they measured: results.json, and results.md for people.

A file holds runs: name -> {"date", "machine", "versions", "arguments", "tables", "bars"}. A run is replaced when it is
measured again. A table has rows of medians; its ratios are sm-algo's figure over that of a peer. A bar is a limit of
the project's own. A figure that an older program did not keep is "not recorded".
"""

import json
import os
import platform
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

OURS = "sm-algo"
Rows = Mapping[str, Mapping[str, float | str]]  # side -> column -> figure; a column's name has its unit


def new(arguments: Mapping[str, object], versions: Mapping[str, str]) -> dict:
    """Return a run without figures: what they depend on. To be called before anything is measured."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    machine = {
        "cpu": model.group(1) if model else platform.processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "load average before": round(os.getloadavg()[0], 2),
    }
    return {
        "date": date.today().isoformat(),
        "machine": machine,
        "versions": {"python": platform.python_version(), **versions},
        "arguments": dict(arguments),
        "tables": {},
        "bars": [],
    }


def table(rounds: int | None, rows: Rows, ratios: Rows | None = None) -> dict:
    """Return a table, and sm-algo's ratios to its peers: medians over so many rounds, or with None single figures."""
    return {"rounds": rounds, "rows": rows, "ratios": ratios or {}}


def ratios(rows: Rows) -> Rows:
    """Return sm-algo's figures over those of each peer; where one has a word in place of a number there is none."""
    ours = {column: figure for column, figure in rows[OURS].items() if not isinstance(figure, str)}
    found = {
        peer: {c: ours[c] / figure for c, figure in of.items() if c in ours and not isinstance(figure, str)}
        for peer, of in rows.items()
        if peer != OURS
    }
    return {peer: of for peer, of in found.items() if of}


def bar(what: str, measured: float, unit: str, at_least: float | None = None, at_most: float | None = None) -> dict:
    """Return a bar: what is limited, one of the two limits, what was measured, and whether the limit is kept."""
    if at_most is None:
        limit, met = {"at least": at_least}, measured >= at_least
    else:
        limit, met = {"at most": at_most}, measured <= at_most
    return {"what": what, **limit, "unit": unit, "measured": measured, "verdict": "met" if met else "MISSED"}


def save(folder: Path, title: str, name: str, of: dict) -> None:
    """Put a run into the results of a suite's folder, and print them all."""
    file = folder / "results.json"
    runs = json.loads(file.read_text()) if file.exists() else {}
    runs[name] = of
    file.write_text(json.dumps(runs, indent=2, ensure_ascii=False) + "\n")
    text = report(title, runs)
    (folder / "results.md").write_text(text)
    print(text)


def report(title: str, runs: Mapping[str, dict]) -> str:
    """Return the runs of a suite as Markdown."""
    lines = [f"# {title}", ""]
    for name, of in runs.items():
        lines += [f"## {name}", "", f"- date: {of['date']}"]
        for key in ("machine", "versions", "arguments"):
            lines.append(f"- {key}: {', '.join(f'{fact} {value}' for fact, value in of[key].items())}")
        for heading, one in of["tables"].items():
            lines += ["", f"### {heading}", ""]
            lines += [f"Medians; rounds: {one['rounds']}.", ""] if one["rounds"] else []
            lines += grid(one)
        lines += ["", "### Bars", "", "| what | wanted | measured | |", "|---|--:|--:|---|"]
        lines += [bar_line(one) for one in of["bars"]]
        lines.append("")
    return "\n".join(lines)


def grid(of: dict) -> list[str]:
    """Return the lines of a table: its rows, then its ratios."""
    columns = list(dict.fromkeys(column for row in of["rows"].values() for column in row))
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    for name, row in of["rows"].items():
        lines.append(f"| {name} | {' | '.join(number(row.get(column, '')) for column in columns)} |")
    for peer, row in of["ratios"].items():
        cells = [f"{number(row[column])} x" if column in row else "" for column in columns]
        lines.append(f"| {OURS} / {peer} | {' | '.join(cells)} |")
    return lines


def bar_line(of: dict) -> str:
    """Return a bar as a line of a Markdown table."""
    kind = "at least" if "at least" in of else "at most"
    measured = of["measured"] if isinstance(of["measured"], str) else f"{number(of['measured'])} {of['unit']}"
    return f"| {of['what']} | {kind} {of[kind]} {of['unit']} | {measured} | {of['verdict']} |"


def number(figure: float | str) -> str:
    """Return a figure with as many digits as it is worth: about three."""
    if isinstance(figure, str):
        return figure
    size = abs(figure)
    return f"{figure:.{0 if size >= 100 else 2 if size >= 1 else 3}f}"
