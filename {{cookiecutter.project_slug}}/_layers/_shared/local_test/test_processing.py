"""The same image as a SageMaker Processing job (contract section 6)."""

import pytest

from .answers import same_answer
from .archive import files
from .exchange import shown
from .explain import fail
from .job import sample_processing, write_processing
from .progress import at_most, doing
from .waits import WAITS

TOLERANCE = 1e-6  # of the numbers in an output


@pytest.mark.clause("PR1", "PR4")
def test_processing_job(docker, sample):
    """The image runs a script of yours as a Processing job, and the script's output arrives."""
    if not sample.processing:
        pytest.skip("sample.toml has no [processing]: the program and script of a Processing job")
    tree = docker.folder("processing")
    write_processing(tree, *sample_processing(sample, sample.processing))
    run = docker.process(tree, sample.processing.entrypoint, [], {})
    with doing(f"waiting for the Processing job to end, {at_most(WAITS.processing)}"):
        in_time = run.wait(WAITS.processing)
    output = run.collect()
    written = sorted(file.name for file in files(output))
    if not in_time or run.exit_code != 0 or not written:
        fail(
            f"The Processing job had not ended after {WAITS.processing:.0f} s."
            if not in_time
            else "The Processing job failed."
            if run.exit_code
            else "The Processing job wrote no output.",
            sent=run.command,
            got=f"{run.got if in_time else run.stuck()}\n/opt/ml/processing/output: {', '.join(written) or 'empty'}",
            advice="The image must hold the interpreter and the packages that the script needs, and no ENTRYPOINT "
            "that swallows the command.",
        )
    for name, expected in sample.processing.outputs.items():
        content = (output / name).read_bytes() if (output / name).is_file() else None
        if content is None or not same_answer(expected.encode(), content, TOLERANCE):
            fail(
                f"The Processing job's output {name} is not what sample.toml expects.",
                sent=f"{run.command}\nexpected\n{expected}",
                got=f"{'no such file' if content is None else shown(content)}\n{run.got}",
                advice="If the script or its input was changed on purpose, correct outputs in [processing] of "
                "sample/sample.toml; without outputs any file will do.",
            )
