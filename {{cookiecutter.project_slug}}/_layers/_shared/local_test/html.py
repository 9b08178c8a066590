"""report.html: one page in one file, for people who did not see the run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from .report import Check, Report

STYLE = """
:root { --ink: #1d2733; --soft: #5c6a79; --line: #dfe5eb; --paper: #fff; --ground: #f4f6f8; --mark: #2166ac;
        --passed: #1a7f4b; --failed: #c0322b; --skipped: #8a6d1a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --soft: #9aa7b4; --line: #313b46; --paper: #1b222a; --ground: #12171d; --mark: #6cb2f5;
          --passed: #4cc38a; --failed: #ff7b72; --skipped: #e0b84c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--ground);
       font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.soft, footer { color: var(--soft); } code, pre, .clause { font-family: ui-monospace, monospace; font-size: .85em; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; }
.tile b { display: block; font-size: 1.35rem; }
.passed { color: var(--passed); } .failed { color: var(--failed); } .skipped { color: var(--skipped); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .75rem 0 0; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.failures { margin: 1.25rem 0; padding-left: 1.5rem; } .failures a { color: var(--failed); }
.checks { background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; }
.check { display: grid; grid-template-columns: 1.5rem 7.5rem 1fr 4rem; gap: .25rem; padding: .4rem .75rem; }
.check + .check, details + .check, .check + details { border-top: 1px solid var(--line); }
.check .time { text-align: right; color: var(--soft); }
.why { grid-column: 3 / 5; color: var(--soft); font-size: .9em; }
pre { grid-column: 1 / 5; margin: .25rem 0; padding: .75rem; overflow-x: auto; white-space: pre-wrap;
      overflow-wrap: anywhere; border-left: 3px solid var(--failed); background: var(--ground); }
figure { grid-column: 2 / 5; margin: .5rem 0; }
figure svg { display: block; width: 100%; height: auto; }
figure text { fill: var(--soft); font-size: 13px; } figure .axis { stroke: var(--soft); }
figure .grid { stroke: var(--line); } figure circle { fill: var(--soft); fill-opacity: .55; }
figure polyline { fill: none; stroke: var(--mark); stroke-width: 2.5; stroke-linejoin: round; }
figcaption { color: var(--soft); font-size: .9em; }
figcaption i { display: inline-block; vertical-align: middle; margin-right: .5em; }
figcaption .dash { margin-left: 1.5em; }
.dot { width: .55em; height: .55em; border-radius: 50%; background: var(--soft); opacity: .75; }
.dash { width: 1.6em; height: 2.5px; background: var(--mark); }
@media (max-width: 40rem) { .check { grid-template-columns: 1.5rem 1fr 4rem; } .check .clause { display: none; }
  .why { grid-column: 2 / 4; } pre, figure { grid-column: 1 / 4; } }
"""
SIGNS = {"passed": "✓", "failed": "✗", "skipped": "\N{EN DASH}"}


def page(report: Report) -> str:
    """Return the report as an HTML page."""
    sections = dict.fromkeys(check.section for check in report.checks)
    failed = report.counts["failed"]
    verdict = f"{failed} of {len(report.checks)} checks failed" if failed else "Nothing failed"
    verdict += " until the run was interrupted" if report.interrupted else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>local_test: {escape(verdict)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1 class="{"failed" if failed else "passed"}">{escape(verdict)}</h1>
<div class="soft">{escape(report.target)} against SageMaker's contract, {escape(report.date)},
{report.seconds:.1f} s</div>
<dl class="facts soft">
{"".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts)}
</dl>
{failures(report)}
<div class="tiles">
{"".join(tile(name, str(report.counts[name]), name) for name in ("passed", "failed", "skipped"))}
{"".join(tile(name, value) for name, value in report.figures)}
</div>
{"".join(section_of(report, name) for name in sections)}
<footer><p>The codes before a check are its clauses in the contract between SageMaker and a container,
<a href="contract.md">local_test/contract.md</a>. A skipped check says why.</p></footer>
</body>
</html>
"""


def took(seconds: float) -> str:
    """Return how long a check took; nothing for one that only looks at a run that it shares with others."""
    return f"{seconds:.1f} s" if seconds >= 0.1 else ""


def failures(report: Report) -> str:
    """Return a list of the checks that failed and why, each with a link to its place below."""
    rows = "".join(
        f'<li><a href="#{quote(check.name)}">{escape(check.sentence)}</a>'
        f'<div class="soft">{escape(check.reason)}</div></li>\n'
        for check in report.checks
        if check.outcome == "failed"
    )
    return f'<ol class="failures">\n{rows}</ol>' if rows else ""


def tile(name: str, value: str, style: str = "") -> str:
    """Return a figure with its name."""
    return f'<div class="tile"><b class="{style}">{escape(value)}</b>{escape(name)}</div>\n'


def section_of(report: Report, name: str) -> str:
    """Return a section with its checks."""
    rows = "".join(row(check) for check in report.checks if check.section == name)
    return f'<h2>{escape(name)}</h2>\n<div class="checks">\n{rows}</div>\n'


def row(check: Check) -> str:
    """Return a check: a passed one with its drawing, a skipped one with its reason, a failed one with its message."""
    below = {
        "passed": check.drawing,
        "skipped": f'<span class="why">{escape(check.message)}</span>',
        "failed": f"<pre>{escape(check.message)}</pre>",
    }[check.outcome]
    return (
        f'<div class="check" id="{escape(check.name)}">'
        f'<span class="{check.outcome}" title="{check.outcome}">{SIGNS[check.outcome]}</span>'
        f'<span class="clause">{escape(" ".join(check.clauses))}</span>'
        f'<span title="{escape(check.name)}">{escape(check.sentence)}</span>'
        f'<span class="time">{took(check.seconds)}</span>{below}</div>\n'
    )
