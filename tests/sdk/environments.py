"""The SDKs' own virtual environments, which are kept until their requirements change.

`python3 -m sdk.environments`, in the folder tests, makes those that are missing.
"""

import os
import subprocess
import sys
from pathlib import Path

from locks import only_one

SDKS = ("v2", "v3")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sm-algo"


def interpreter(sdk: str) -> Path:
    """Return the Python of an SDK's environment, which is made first if need be, by one process at a time.

    Raises RuntimeError, with what pip says, where it cannot be made.
    """
    folder, requirements = CACHE / sdk, Path(__file__).with_name(f"{sdk}-requirements.txt")
    made_of, wanted = folder / "made_of", f"{sys.version}\n{requirements.read_text()}"
    python = folder / "bin/python"
    with only_one(f"sdk-{sdk}"):
        if not made_of.exists() or made_of.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            install = [python, "-m", "pip", "install", "--quiet", "--requirement", requirements]
            result = subprocess.run(install, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                raise RuntimeError(f"the packages of SDK {sdk} cannot be installed:\n{result.stderr}")
            made_of.write_text(wanted)
    return python


if __name__ == "__main__":
    for sdk in SDKS:
        interpreter(sdk)
