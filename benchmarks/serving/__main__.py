"""Compares serving of scikit-learn: the generated project, JPMorgan's inference-server, and the classic stack.

Every figure is a median over interleaved rounds on this machine; what counts are the ratios. Needs wrk and nginx.
Usage, in benchmarks/: python -m serving [--rounds N] [--seconds N]
"""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from common import compare, program, results, sides
from common.compare import load_title
from common.environments import BUILD, pins, python
from common.measure import Load, Server, Side, ping_milliseconds
from common.processes import run
from common.projects import Project
from common.results import OURS, bar
from common.sides import CLASSIC, CLASSIC_REQUIREMENTS

HERE = Path(__file__).resolve().parent
TITLE = "Serving scikit-learn, side by side"
PEERS = HERE / "peers"
MODEL_REQUIREMENTS, FAST_REQUIREMENTS = PEERS / "model-requirements.txt", PEERS / "jpmorgan-requirements.txt"
FAST = "inference-server"

ALGORITHMS = HERE / "ours"
FLOWERS = ALGORITHMS / "iris.csv"
IRIS = Project("iris", "scikit-learn", files={"algorithm.py": ALGORITHMS / "iris.py"}, data=FLOWERS)
SHIPPED = Project("scikit-learn", "scikit-learn")
ROWS = {IRIS.name: "5.1,3.5,1.4,0.2\n", SHIPPED.name: "3,79.5,4,monthly,invoice\n"}
SLOW_ROW = "-5.1,3.5,1.4,0.2\n"  # takes 200 ms
CONNECTIONS = (1, 8)
FAST_CONNECTIONS = 7
MIXED = f"iris: {FAST_CONNECTIONS} connections with fast requests beside one with requests of 200 ms"

SLOW_IN_FLIGHT = 64
BIG_BODY = 6 * 1024 * 1024
BIG, BUSY = "a CSV of 6 MB", f"/ping while {SLOW_IN_FLIGHT} slow invocations are in flight"
READ, READ_AND_PREDICT = "pandas.read_csv alone", "pandas.read_csv and predict"

# The only place where a model is pickled: the peers have no other way.
TO_JOBLIB = """
import sys; sys.path.insert(0, sys.argv[1])
import joblib; from runtime import adapter
joblib.dump(adapter.load(sys.argv[2]), sys.argv[3])
"""
READ_IT = """
import io, sys, time
import joblib, pandas
model, body = joblib.load(sys.argv[1]), open(sys.argv[2], "rb").read()
for _ in range(5):
    started = time.perf_counter()
    rows = pandas.read_csv(io.BytesIO(body), header=None)
    read = time.perf_counter() - started
    model.predict(rows.to_numpy())
    print(read, time.perf_counter() - started)
"""


def contenders(project: Project) -> list[Side]:
    """Return all sides, with the model that our side trains."""
    project.generate()
    project.train()
    model = project.base / "model.joblib"
    run(project.interpreter(), "-c", TO_JOBLIB, str(project.folder), str(project.base / "model"), str(model))
    return [sides.ours(project), jpmorgan(project), sides.classic(project, classic_python(), PEERS, "workloads")]


def classic_python() -> str:
    """Return the classic stack's interpreter."""
    return python("classic", CLASSIC_REQUIREMENTS, MODEL_REQUIREMENTS)


def jpmorgan(project: Project) -> Side:
    """Return inference-server behind gunicorn."""
    (port,) = sides.free_ports(1)
    interpreter = python("jpmorgan", FAST_REQUIREMENTS, MODEL_REQUIREMENTS)
    command = sides.gunicorn(interpreter, PEERS, "--bind", f"0.0.0.0:{port}", "jpmorgan:app")
    folder = BUILD / "run" / project.name / "jpmorgan"
    return Side(FAST, command, port, sides.model_variables(project, "workloads"), folder)


def big_answers(contenders: list[Side]) -> dict:
    """Measure the seconds to answer a CSV of 6 MB, and those that pandas and the model need for it."""
    rows = FLOWERS.read_text().splitlines()
    text = "\n".join(row.partition(",")[2] for row in rows) + "\n"
    body = (text * (BIG_BODY // len(text))).encode()
    file = BUILD / "big.csv"
    file.write_bytes(body)
    took = run(classic_python(), "-c", READ_IT, str(IRIS.base / "model.joblib"), str(file))
    read, both = zip(*(map(float, line.split()) for line in took.splitlines()), strict=True)
    found: dict[str, dict[str, float | str]] = {}
    for side in contenders:
        with Server(side) as server:
            answers = [server.invoke(body) for _ in range(5)]
        refused = {status for status, *_ in answers} - {200}
        found[side.name] = {"s": f"refused: {refused}" if refused else median(seconds for *_, seconds in answers)}
    found |= {READ: {"s": median(read)}, READ_AND_PREDICT: {"s": median(both)}}
    return results.table(5, found, results.ratios(found))


def mixed(contenders: list[Side], rounds: int, seconds: int) -> dict:
    """Measure what fast requests wait while one connection sends slow ones without a pause: one worker is idle."""
    runs: dict[str, list[Load]] = {side.name: [] for side in contenders}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(side)) for side in contenders]
        for _ in range(rounds):
            for server in servers:
                slow = server.start_load(SLOW_ROW, 1, seconds + 2)
                runs[server.side.name].append(server.load_once(ROWS[IRIS.name], FAST_CONNECTIONS, seconds))
                slow.communicate()
    return compare.load_table(rounds, runs)


def busy_pings(ours: Side, seconds: int) -> dict:
    """Measure /ping in milliseconds while 64 slow invocations are in flight all the time (I9)."""
    with Server(ours) as server:
        load = server.start_load(SLOW_ROW, SLOW_IN_FLIGHT, seconds + 2)
        took = ping_milliseconds(server.side.port, seconds, pause=0.02)
        load.terminate()
        load.communicate()
    figures = {"pings": len(took), "p50 ms": median(took), "p99 ms": took[int(len(took) * 0.99)], "max ms": took[-1]}
    return results.table(None, {OURS: figures})


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    ours = [IRIS.folder / "runtime/requirements.txt", IRIS.folder / "requirements.txt"]
    pinned = pins(FAST_REQUIREMENTS, CLASSIC_REQUIREMENTS, MODEL_REQUIREMENTS, *ours)
    shown = ("flask", "gunicorn", FAST, "pandas", "numpy", "scikit-learn")
    return {"nginx": sides.nginx_version()} | {name: pinned[name] for name in shown}


def bars(tables: dict) -> list[dict]:
    """Return the project's own limits."""
    one, load = (tables[f"iris: {load_title(count)}"]["ratios"] for count in CONNECTIONS)
    rest = tables[f"iris: {compare.START}"]["ratios"][CLASSIC]
    big = tables[BIG]["ratios"]
    ping = tables[BUSY]["rows"][OURS]["p99 ms"]
    return [
        bar("iris, requests/s at 8 connections over inference-server's", load[FAST]["requests/s"], "x", at_least=1.5),
        bar("iris, requests/s at 1 connection over inference-server's", one[FAST]["requests/s"], "x", at_least=1.3),
        bar("iris, requests/s at 8 connections over the classic stack's", load[CLASSIC]["requests/s"], "x", at_least=5),
        bar("iris, p99 at 8 connections over inference-server's", load[FAST]["p99 ms"], "x", at_most=1.3),
        bar(f"{MIXED}, p99 over inference-server's", tables[MIXED]["ratios"][FAST]["p99 ms"], "x", at_most=1.3),
        bar("start to the first 200 on /ping over the classic stack's", rest["first /ping s"], "x", at_most=1),
        bar("memory over the classic stack's", rest["memory MB"], "x", at_most=1),
        bar(f"{BUSY}, p99", ping, "ms", at_most=100),
        bar(f"{BIG} answered over {READ_AND_PREDICT}", big[READ_AND_PREDICT]["s"], "x", at_most=1.5),
        bar(f"{BIG} answered over {READ}", big[READ]["s"], "x", at_most=1),
    ]


def main() -> None:
    """Measure everything and report."""
    arguments = program.serving_parser(__doc__).parse_args()
    program.prepare("wrk", "nginx")

    every = {project.name: contenders(project) for project in (IRIS, SHIPPED)}
    found = results.new(vars(arguments), versions())
    tables = found["tables"]
    for name, of in every.items():
        print(f"measuring {name}", flush=True)
        measured = compare.serving(of, ROWS[name], arguments.rounds, arguments.seconds, CONNECTIONS)
        tables |= {f"{name}: {heading}": table for heading, table in measured.items()}
    print("measuring fast requests beside slow ones, a large body, and pings under load", flush=True)
    tables[MIXED] = mixed(every[IRIS.name], arguments.rounds, arguments.seconds)
    tables[BIG] = big_answers(every[IRIS.name])
    tables[BUSY] = busy_pings(every[IRIS.name][0], 10)
    found["bars"] = bars(tables)
    results.save(HERE, TITLE, "scikit-learn", found)


if __name__ == "__main__":
    main()
