"""The generated projects that are measured, and their trained models."""

import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common.environments import BENCHMARKS, BUILD, TEMPLATE_REQUIREMENTS, python
from common.processes import run

TEMPLATE = BENCHMARKS.parent
HOME = {"HOME": str(BUILD / "home")}  # where cookiecutter writes what it was asked


@dataclass(frozen=True)
class Project:
    """A generated project: its framework, the files that take the place of its own, the file of its channel `train`.

    Without a file it trains on its sample. `hyperparameters` are those of its training.
    """

    name: str
    framework: str
    language: str = "python"
    files: Mapping[str, Path] = field(default_factory=dict)
    data: Path | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The generated project."""
        return BUILD / "projects" / self.name / "benchmark"

    @property
    def base(self) -> Path:
        """The folder that stands for /opt/ml."""
        return BUILD / "ml" / self.name

    def generate(self) -> None:
        """Generate the project anew."""
        output = self.folder.parent
        shutil.rmtree(output, ignore_errors=True)
        run(*generation(output, self.framework), **HOME)
        for name, file in self.files.items():
            shutil.copy(file, self.folder / name)

    def interpreter(self) -> str:
        """Return what runs the project's programs: a virtual environment's Python; in R they are shell scripts."""
        if self.language == "r":
            return "sh"
        requirements = [self.folder / "requirements.txt", self.folder / "runtime/requirements.txt", *self.itself()]
        return python(f"ours-{self.framework}", *requirements, constraints=self.constraints())

    def constraints(self) -> list[Path]:
        """Return the files that pin what all of these bring with them."""
        return [self.folder / "constraints.txt", self.folder / "runtime/constraints.txt"]

    def itself(self) -> list[Path]:
        """Return the file that pins a framework which differs between CPUs and GPUs: the peers take the same."""
        return list(self.folder.glob("requirements-cpu.txt"))

    def lay_out(self, base: Path, hyperparameters: Mapping[str, str], channels: Mapping[str, Path] = {}) -> None:
        """Lay out in a new folder what SageMaker gives to a training job; `channels` are folders besides the data."""
        shutil.rmtree(base, ignore_errors=True)
        (base / "input/config").mkdir(parents=True)
        if self.data:
            (base / "input/data/train").mkdir(parents=True)
            shutil.copy(self.data, base / "input/data/train")
        else:
            sample = self.folder / "sample"
            for channel in tomllib.loads((sample / "sample.toml").read_text())["training"]["channels"]:
                shutil.copytree(sample / channel, base / "input/data" / channel)
        for name, folder in channels.items():
            shutil.copytree(folder, base / "input/data" / name)
        config = {channel.name: {"TrainingInputMode": "File"} for channel in (base / "input/data").iterdir()}
        (base / "input/config/inputdataconfig.json").write_text(json.dumps(config))
        (base / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))

    def train(self, **channels: Path) -> None:
        """Train by the project's own `train`."""
        self.lay_out(self.base, self.hyperparameters, channels)
        run(self.interpreter(), str(self.folder / "runtime/train"), SAGEMAKER_BASE_DIR=str(self.base))


def cookiecutter(*arguments: str) -> tuple[str, ...]:
    """Return a command of cookiecutter; it is to be run with HOME."""
    return python("template", TEMPLATE_REQUIREMENTS), "-m", "cookiecutter", *arguments


def generation(output: Path, framework: str) -> tuple[str, ...]:
    """Return the command that generates a project in a folder."""
    answers = ("project_name=Benchmark", f"framework={framework}")
    options = ("--no-input", "--default-config", "--output-dir", str(output))
    return cookiecutter(*options, str(TEMPLATE), *answers)
