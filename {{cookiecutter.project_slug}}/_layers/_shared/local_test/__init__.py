"""local_test checks an algorithm image against Amazon SageMaker's contract, on this machine.

    pytest local_test --engine docker|process [--image NAME:TAG]      every check, with a report
    python -m local_test train|serve|predict|doctor                   one step by hand

What it is made of:

    sample.py               reads ../sample/sample.toml: what is sent to the algorithm, and what it should answer
    job.py                  lays out /opt/ml as SageMaker does before it starts `train`
    archive.py              tar files: model.tar.gz, and what goes in and out of containers
    engines/                how `train` and `serve` are started: in a container, or as a process
    exchange.py             one HTTP request and its response
    startup.py              waits until a server answers
    payloads.py             bodies to send: garbage, large ones, many lines
    waits.py                how long it waits
    progress.py             says what it is waiting for
    interrupts.py           Ctrl-C while something is started or removed
    contract.py             constants of the contract
    explain.py              failure messages: what, sent, got, what to do
    conftest.py             options and fixtures
    platforms.py            linux/amd64, linux/arm64
    selection.py            what -k can name
    *_runs.py               the shared runs: train once, serve once, observe often
    test_*.py               the checks; each names its clauses of the contract
    tracebacks.py           shows each traceback once
    report.py, html.py      progress, summary, report.html
    about.py                what was checked, and with what, for report.html
    plot.py                 the drawing of data and predictions in report.html
    doctor.py               looks for what usually goes wrong on a machine
    edited.py               which of the template's files were edited
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said in a sentence instead of a traceback
    found = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    raise SystemExit(f"local_test needs Python 3.11 or newer, and this is Python {found}.")
