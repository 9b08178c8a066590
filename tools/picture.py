"""Draws what a run of local_test prints on a terminal, as an SVG.

The command is run, in this folder, on a terminal of its own. What would be too much for a picture is left out, and "…"
stands in its place: shown are what comes before the checks, the sections that are named, and the last line.

Usage: python tools/picture.py SVG SECTION... -- COMMAND...
"""

import io
import os
import pty
import re
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.text import Text

WIDTH = 130  # characters in a line
LEFT_OUT = Text("…", "dim")
WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # which GitHub does not load


def printed(command: Sequence[str]) -> list[Text]:
    """Run a command on a terminal, and return the lines that it has left there. Exits if it fails."""
    output = io.BytesIO()

    def read(terminal: int) -> bytes:
        chunk = os.read(terminal, 65536)
        output.write(chunk)
        return chunk

    os.environ |= {"COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    if status := os.waitstatus_to_exitcode(pty.spawn(command, read)):
        sys.exit(f"{' '.join(command)} has failed with exit status {status}, and is not drawn")
    return list(AnsiDecoder().decode(output.getvalue().decode().replace("\r\n", "\n")))


def chosen(lines: Sequence[Text], sections: Sequence[str]) -> list[Text]:
    """Return the lines to show; a blank line stands before each section. Exits if there is no section of a name."""
    first, *rest = [list(block) for filled, block in groupby(lines, key=filled_line) if filled]
    names = [block[0].plain for block in rest]
    if missing := [name for name in sections if name not in names]:
        sys.exit(f"there is no section {', '.join(missing)}: there are {', '.join(names)}")
    shown = first
    for name, block in zip(names, rest, strict=True):
        if name in sections:
            shown += [Text(), *block]
        elif shown[-1] is not LEFT_OUT:
            shown += [Text(), LEFT_OUT]
    return [*shown, rest[-1][-1]]


def filled_line(line: Text) -> bool:
    """Whether a line is not blank."""
    return bool(line.plain.strip())


def main(svg: Path, sections: Sequence[str], command: Sequence[str]) -> None:
    """Run the command and write the SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="standard", force_terminal=True)
    said = " ".join(command)
    console.print(Text(f"$ {said}", "bold"))
    for line in chosen(printed(command), sections):
        console.print(line, overflow="fold")
    svg.write_text(WEB_FONTS.sub("", console.export_svg(title=said)))


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(Path(sys.argv[1]), sys.argv[2:end], sys.argv[end + 1 :])
