"""The sample's job on several hosts, with --hosts 2 or more."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .answers import same_answer
from .archive import files
from .contract import STOP_TRAINING
from .engines.base import Engine
from .explain import BEYOND, fail
from .hosts_runs import Disturbed, HostsRuns, OnHosts, finish_all, name_of
from .job import Job
from .progress import doing
from .sample import Sample
from .serving_runs import Serving, at_endpoint
from .training_runs import failure_problem
from .waits import WAITS


def expect_success(job: OnHosts, what: str, advice: str) -> None:
    """Fail unless a job succeeded on every host and left a model on the first."""
    if not job.ok:
        fail(what, sent=job.sent, got=job.got, advice=advice)


@pytest.fixture
def together(hosts_runs: HostsRuns) -> OnHosts:
    """The sample's job on several hosts, if it worked."""
    if not hosts_runs.together.ok:
        pytest.skip("because the job on several hosts failed (T42)")
    return hosts_runs.together


@pytest.mark.clause("T16", "T17", "T42")
def test_trains_on_several_hosts(hosts_runs, figure):
    """A job succeeds on several hosts, though the first one's name resolves late, and leaves a model on the first."""
    job = hosts_runs.together
    names = [name_of(host.run) for host in job.hosts]
    expect_success(
        job,
        f"Training on the hosts {', '.join(names)} failed; the first name resolved a few seconds late.",
        "Take the names from resourceconfig.json, and retry for minutes when one does not resolve or refuses the "
        "connection: hosts start at different times. If the algorithm trains on one host only, let the others end "
        "with exit code 0.",
    )
    figure(f"training on {len(names)} hosts", f"{job.first.run.seconds:.1f} s")


@pytest.mark.clause("T31")
def test_one_host_writes_the_model(engine, together):
    """Only the first host writes to /opt/ml/model: SageMaker merges the folders of all hosts."""
    for host in together.hosts[1:]:
        # Files with other names do not get lost.
        if set(host.model) & set(together.first.model) or (host.model and engine.promises):
            fail(
                f"{name_of(host.run)} wrote to /opt/ml/model as well as {name_of(together.first.run)}, the first host; "
                "of files with the same name only one is kept.",
                sent=together.sent,
                got=together.got,
                advice="Save the model only where current_host is the first of hosts in resourceconfig.json.",
            )


@pytest.mark.clause("T31")
def test_same_model_as_on_one_host(promised, engine, sample, server, up, together):
    """The model of several hosts answers like the model of one host, within hosts_tolerance of sample.toml."""
    if sample.model:
        pytest.skip("the sample brings a model/, so that the one that was trained on one host is not served")
    folder = at_endpoint(engine, together.first.folder / "model")
    other = Serving(engine, folder, sample, {}, up.serving.read_only).live()
    try:
        for request in sample.requests:
            one, several = server.invoke(request), other.invoke(request)
            if not one.ok:
                continue  # I12, sample requests
            if not several.ok or not same_answer(one.body, several.body, sample.hosts_tolerance):
                fail(
                    "The model of several hosts does not answer like the model of one host "
                    f"(hosts_tolerance {sample.hosts_tolerance}).",
                    sent=f"{together.sent}\n\n{several.sent}",
                    got=f"{several.got}\n\nand from the model of one host\n\n{one.got}\n{other.got}",
                    advice="Average gradients over all hosts, with shares of the data that together are the whole. If "
                    "the difference is in the nature of the algorithm, set hosts_tolerance in [training] of "
                    "sample/sample.toml.",
                )
    finally:
        other.remove()


@pytest.fixture
def long_job(sample: Sample, together: OnHosts) -> None:
    """The sample has a long job, which several hosts can do."""
    if sample.long_hyperparameters is None:
        pytest.skip("sample.toml has no long_hyperparameters: those of a job of many minutes")


@pytest.mark.clause("T16")
def test_idle_hosts_say_so(promised, hosts_runs, long_job):
    """A host that does not take part in the training says which host does."""
    disturbed = hosts_runs.last_dies
    first = name_of(disturbed.runs[0])
    for run in disturbed.idle:
        if not run.line_with(first):
            fail(
                f"{name_of(run)} ended with exit code 0 while {first} was still training, and does not say why. "
                "Whoever pays for several hosts should know that one does the work.",
                sent=f"{run.command}\n{run.job.describe()}",
                got=run.got,
                advice=f"Print a line that names the host that trains, {first}, or take part in the training.",
            )


def expect_noticed(disturbed: Disturbed, dead_one: int, figure: Callable[[str, object], None]) -> None:
    """Fail unless the other hosts ended, soon and with the reason, when one died."""
    dead = name_of(disturbed.runs[dead_one])
    if disturbed.first_only:
        said = disturbed.idle[-1].line_with(name_of(disturbed.runs[0])) or "the others do not say so (T16)"
        pytest.skip(f"because the algorithm trains on the first host only: {said}")
    if disturbed.job is None:
        pytest.skip("because the long job ended by itself (T4)")
    sent = f"{disturbed.job.sent}\nand kill -9 of everything on {dead} once training was going"
    alive = [host for host in disturbed.job.hosts if host.run not in (disturbed.runs[dead_one], *disturbed.idle)]
    for host in alive:
        problem, name = None, name_of(host.run)
        if host.hung:
            problem = f"{name} is still running {WAITS.host_gone:.0f} s after {dead} died; you would pay for it until "
            problem += "MaxRuntimeInSeconds, a day by default"
        elif host.run.exit_code == 0:
            problem = f"{name} counts as completed, with exit code 0, though {dead} died"
        elif wrong := failure_problem(host.failure, [dead]):
            problem = f"{dead} died, and {name} ended, but its /opt/ml/output/failure {wrong}"
        if problem:
            fail(
                f"{problem}.",
                sent=sent,
                got=disturbed.job.got,
                advice="Watch the connections to the other hosts in a thread of its own, for the training may wait for "
                "them forever: when one is gone, write its name to /opt/ml/output/failure and exit with code 1.",
            )
    which = "first" if dead_one == 0 else "last"
    figure(f"end of the others after the {which} host died", f"{disturbed.seconds:.1f} s")


@pytest.mark.clause("T32", "T33")
def test_last_host_dies(promised, hosts_runs, long_job, figure):
    """When the last host dies the others end within 60 s, and say in their failure files which host it was."""
    expect_noticed(hosts_runs.last_dies, -1, figure)


@pytest.mark.clause("T32", "T33")
def test_first_host_dies(promised, hosts_runs, long_job, figure):
    """When the first host dies the others end within 60 s, and say in their failure files which host it was."""
    expect_noticed(hosts_runs.first_dies, 0, figure)


@pytest.mark.clause("T4")
def test_sigterm_ends_all_hosts(hosts_runs, long_job, figure):
    """SIGTERM to all hosts ends each within 120 s, with a model or a checkpoint left on the first."""
    stopped = hosts_runs.stopped
    job = stopped.job
    if job is None:
        fail(
            "The long job ended on the first host by itself, before it could be stopped.",
            sent=f"{stopped.runs[0].command}\n{stopped.runs[0].job.describe()}",
            got="\n\n".join(f"on {name_of(run)}:\n{run.got}" for run in stopped.runs),
            advice="Make long_hyperparameters in sample/sample.toml a job of many minutes.",
        )
    figure("end of all hosts after SIGTERM", f"{stopped.seconds:.1f} s")
    sent = f"{job.sent}\nand SIGTERM to the main process of each once training was going"
    for host in job.hosts:
        if host.hung or host.run.exit_code == -signal.SIGTERM:
            fail(
                f"{name_of(host.run)} did not end within {stopped.seconds:.0f} s of SIGTERM to all hosts; SageMaker "
                f"kills after {STOP_TRAINING} s."
                if host.hung
                else f"SIGTERM killed the program on {name_of(host.run)} because it does not handle it. As the first "
                "process of a container it would not even be killed: the system ignores SIGTERM there.",
                sent=sent,
                got=job.got,
                advice="Handle SIGTERM on every host, and let the hosts agree on the step after which they stop: one "
                "that stops by itself leaves the others waiting for it.",
            )
    if not job.first.model and not job.first.checkpoints:
        fail(
            f"The stopped job left neither a model nor a checkpoint on {name_of(job.first.run)}, the first host: what "
            "it had learned is lost.",
            sent=sent,
            got=job.got,
            advice="Save to /opt/ml/model (or /opt/ml/checkpoints) when SIGTERM comes; SageMaker keeps what is there.",
        )


def merged_checkpoints(engine: Engine, job: OnHosts) -> Path:
    """Return a folder with the checkpoints of all hosts, which SageMaker keeps under one prefix in S3 (T34)."""
    folder = engine.folder("checkpoints")
    for host in reversed(job.hosts):
        if host.checkpoints:
            shutil.copytree(host.folder / "checkpoints", folder, dirs_exist_ok=True)
    return folder


@pytest.mark.clause("T34", "T36")
def test_all_hosts_resume(engine, sample, hosts_runs, together):
    """A job whose hosts are all killed resumes from its last checkpoint when started again."""
    if sample.resumed_hyperparameters is None or not sample.checkpoints:
        pytest.skip("sample.toml has no checkpoints = true with resumed_hyperparameters")
    job = Job.of(sample, sample.resumed_hyperparameters)
    runs = engine.train_on_hosts(job, hosts_runs.count)
    first = runs[0]
    with doing("waiting for a training job to write a checkpoint"):
        while not first.checkpoint_files() and first.exit_code is None and first.seconds < WAITS.going:
            time.sleep(0.05)
    first.wait(WAITS.checkpoint)
    ended_by_itself = first.exit_code is not None
    for run in runs:
        run.crash()
    killed = finish_all(runs)
    if not killed.first.checkpoints:
        fail(
            f"The job left no checkpoint on {name_of(first)}, the first host, to resume from.",
            sent=killed.sent,
            got=killed.got,
            advice="Let the first host write checkpoints to /opt/ml/checkpoints now and then.",
        )
    if ended_by_itself:
        pytest.skip("the job ended before it could be killed: make resumed_hyperparameters a longer job")
    checkpoints = merged_checkpoints(engine, killed)
    names = ", ".join(str(path.relative_to(checkpoints)) for path in files(checkpoints))
    resumed = finish_all(engine.train_on_hosts(job, hosts_runs.count, checkpoints=checkpoints))
    sent = f"{resumed.sent}\nwith /opt/ml/checkpoints of killed hosts on each: {names}"
    if not resumed.ok:
        fail(
            "A job on several hosts that finds checkpoints of killed hosts fails.",
            sent=sent,
            got=resumed.got,
            advice="Let every host load the same checkpoint, or the first one load it and send it to the others.",
        )
    if not engine.promises:
        pytest.skip(f"the job succeeds with checkpoints, and need not say that it resumes: {BEYOND}")
    if not resumed.first.run.line_with(r"(?i)resuming from checkpoint"):
        fail(
            "The hosts found checkpoints but started from scratch, or the first one does not say that it resumes.",
            sent=sent,
            got=resumed.got,
            advice='Load the newest checkpoint at the start and print "resuming from checkpoint ...".',
        )


@pytest.mark.clause("T29")
def test_host_without_data(engine, plain_job, hosts_runs, together):
    """A sharded channel that leaves a host without files ends with success or a clear error, never a hang."""
    name, folder = next((name, folder) for name, folder in plain_job.channels.items())
    few = engine.folder("sharded")
    for file in files(folder)[: hosts_runs.count - 1]:
        target = few / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    sharded = plain_job.but(channels={**plain_job.channels, name: few}, sharded=(name,))
    job = finish_all(engine.train_on_hosts(sharded, hosts_runs.count), WAITS.endless)
    failed = [host for host in job.hosts if host.run.exit_code != 0]
    problem = None
    if hung := [name_of(host.run) for host in job.hosts if host.hung]:
        problem = f"the job does not end on {', '.join(hung)}"
    elif failed and job.first not in failed:
        problem = f"{name_of(failed[0].run)} fails, and {name_of(job.first.run)}, the first host, counts as completed"
    elif silent := [name_of(host.run) for host in failed if not host.failure]:
        problem = f"{', '.join(silent)} failed without a reason in /opt/ml/output/failure"
    elif not failed and not job.ok:
        problem = "the job succeeds but leaves no model"
    if problem:
        fail(
            f"With channel '{name}' sharded so that the last host gets no file, {problem}.",
            sent=job.sent,
            got=job.got,
            advice="Let the hosts tell each other how much data each has before they start: train without the one that "
            "has none, or end on all of them with a failure file that says so.",
        )


@pytest.mark.clause("T16")
def test_network_interface(docker, plain_job, together):
    """The hosts reach each other on network_interface_name, though another of their interfaces comes first."""
    try:
        runs = docker.train_behind_decoys(plain_job, 2)
    except LookupError as reason:
        pytest.skip(str(reason))
    expect_success(
        finish_all(runs, together.first.run.seconds + WAITS.endless),
        "Training fails on hosts that have two interfaces: eth0, on which nobody answers, and eth1, which "
        "resourceconfig.json names and the hosts' names resolve to.",
        "Use the interface of network_interface_name, e.g. GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME, or the address "
        "that the host's own name in resourceconfig.json resolves to; not that of the machine's host name.",
    )
