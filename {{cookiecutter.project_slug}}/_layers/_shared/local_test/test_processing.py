"""The same image as a SageMaker Processing job (contract section 6, point 39)."""

import pytest

from .archive import files
from .explain import fail


@pytest.mark.clause("PR1", "PR4", point=39)
def test_processing_job(docker, sample):
    """The image runs a script of yours as a Processing job, and what it writes to its output arrives."""
    if not sample.processing:
        pytest.skip("sample.toml has no [processing] entrypoint: the program and script of a Processing job")
    run = docker.process(sample)
    in_time = run.wait(300)
    output = run.collect()
    written = sorted(file.name for file in files(output))
    if not in_time or run.exit_code != 0 or not written:
        fail(
            "The Processing job ended badly." if in_time and run.exit_code else "The Processing job wrote no output.",
            sent=run.command,
            got=f"{run.got}\n/opt/ml/processing/output: {', '.join(written) or 'empty'}",
            advice="The image must hold the interpreter and the packages that the script needs, and no ENTRYPOINT "
            "that swallows the command.",
        )
    expected = {path.name: len(path.read_text().splitlines()) for path in files(sample.folder)}
    counted = dict(line.rsplit(",", 1) for file in files(output) for line in file.read_text().splitlines())
    if {name: int(count) for name, count in counted.items()} != expected:
        fail(
            "The Processing job's result is not what its input holds.",
            sent=run.command,
            got=f"{counted}, expected {expected}\n{run.got}",
            advice="See local_test/processing: the script counts the lines of the files in "
            "/opt/ml/processing/input/data.",
        )
