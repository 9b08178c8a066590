"""Compares the time to generate a project with the time that cookiecutter itself needs to start.

Prints medians over interleaved runs, in seconds. Usage: python benchmarks/generation.py [--rounds N]
"""

import argparse
import json
import shutil
import time
from statistics import median

import sides

BUDGET = 0.15  # seconds over `cookiecutter --version`


def timed(*command: str) -> float:
    """Return the seconds that a command takes."""
    started = time.perf_counter()
    sides.run(*command, HOME=str(sides.BUILD / "home"))
    return time.perf_counter() - started


def main() -> None:
    """Measure every framework and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds (default: 15)")
    rounds = parser.parse_args().rounds

    cookiecutter = [sides.python("template", sides.HERE / "requirements.txt"), "-m", "cookiecutter"]
    output = sides.BUILD / "generated"
    generate = [*cookiecutter, "--no-input", "--default-config", "--output-dir", str(output), str(sides.ROOT)]
    languages = json.loads((sides.ROOT / "cookiecutter.json").read_text())["_languages"]
    commands = {"cookiecutter --version": [*cookiecutter, "--version"]} | {
        framework: [*generate, f"language={language}", f"framework={framework}"]
        for language, frameworks in languages.items()
        for framework in frameworks
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            shutil.rmtree(output, ignore_errors=True)
            seconds[name].append(timed(*command))

    floor = median(seconds.pop("cookiecutter --version"))
    print(f"cookiecutter --version: {floor:.3f} s")
    for name, values in seconds.items():
        over = median(values) - floor
        print(f"{name}: {over:.3f} s over that, budget {BUDGET} s: {'met' if over <= BUDGET else 'MISSED'}")


if __name__ == "__main__":
    main()
