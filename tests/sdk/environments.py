"""Virtual environments that the tests share, of the SDKs and of local-sagemaker, kept until their requirements change.

`python3 -m sdk.environments`, in the folder tests, makes those that are missing.
"""

import os
import subprocess
import sys
from pathlib import Path

from locks import only_one

HERE = Path(__file__).parent
PROJECT = HERE.parents[1] / "{{cookiecutter.project_slug}}"
REQUIREMENTS = {
    "v2": HERE / "v2-requirements.txt",
    "v3": HERE / "v3-requirements.txt",
    "local-sagemaker": PROJECT / "_layers/_shared/local_test/sagemaker/requirements.txt",
}
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sm-algo"


def interpreter(name: str) -> Path:
    """Return the Python of an environment, which is made first if need be, by one process at a time.

    Raises RuntimeError, with what pip says, where it cannot be made.
    """
    folder, requirements = CACHE / name, REQUIREMENTS[name]
    made_of, wanted = folder / "made_of", f"{sys.version}\n{requirements.read_text()}"
    python = folder / "bin/python"
    with only_one(f"environment-{name}"):
        if not made_of.exists() or made_of.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
            result = subprocess.run(install, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                raise RuntimeError(f"the packages of {name} cannot be installed:\n{result.stderr}")
            made_of.write_text(wanted)
    return python


if __name__ == "__main__":
    for one in REQUIREMENTS:
        interpreter(one)
