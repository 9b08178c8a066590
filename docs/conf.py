"""Sphinx's settings for these pages; `make docs` builds them, and fails at the first warning.

The pages are Markdown that reads well on GitHub, too. Two things are done to them here: a link out of docs/ becomes one
to the repository, and the clauses of the contract, wherever they are named, become links to it. Both are warnings where
there is nothing to link to.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
CONTRACT = ROOT / "{{cookiecutter.project_slug}}/_layers/_shared/local_test/contract.md"
REPOSITORY = "https://github.com/org/sm-algo"

project = "sm-algo"
extensions = ["myst_parser"]
exclude_patterns = [".venv", "requirements.txt"]
html_theme = "furo"
html_title = project
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4

logger = logging.getLogger(__name__)

# A Markdown link to a relative address that leaves the page's own folder.
OUTSIDE = re.compile(r"(?<=\]\()((?:\.\./)+[^)\s#]*)")
# Where the contract defines a clause, and how other texts name it.
DEFINITION = re.compile(r"^- \*\*([A-Z]+\d+)\*\*", re.MULTILINE)
CLAUSES = set(DEFINITION.findall(CONTRACT.read_text(encoding="utf-8")))
NAMED = re.compile(rf"\b(?:{'|'.join(sorted({clause.rstrip('0123456789') for clause in CLAUSES}))})\d+\b")

# Code, headings, links, and in the contract the clause's own name.
LEFT_ALONE = (nodes.literal, nodes.FixedTextElement, nodes.title, nodes.reference, nodes.strong)


def link_to_repository(app: Sphinx, docname: str, content: list[str]) -> None:
    """Turn links to the repository's other files into addresses; warn where there is no such file."""
    folder = (DOCS / docname).parent

    def address(found: re.Match) -> str:
        target = (folder / unquote(found[1])).resolve()
        if target.is_relative_to(DOCS):
            return found[1]
        if not target.exists():
            logger.warning("there is no %s", found[1], location=docname)
        kind = "tree" if target.is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{quote(target.relative_to(ROOT).as_posix())}"

    content[0] = OUTSIDE.sub(address, content[0])


def mark_clauses(app: Sphinx, file: Path, parent: str, content: list[str]) -> None:
    """Give each clause of the contract an anchor."""
    content[0] = DEFINITION.sub(r"- [**\1**]{#\1}", content[0])


class LinkClauses(SphinxPostTransform):
    """Makes links to the contract of the clauses that texts name."""

    default_priority = 5

    def run(self) -> None:
        """Replace the texts that name a clause."""
        for text in list(self.document.findall(nodes.Text)):
            if NAMED.search(text) and not isinstance(text.parent, LEFT_ALONE):
                text.parent.replace(text, list(self.linked(str(text))))

    def linked(self, text: str) -> Iterator[nodes.Node]:
        """Yield the pieces of a text; those that name a clause are links."""
        contract = self.app.builder.get_relative_uri(self.env.docname, "contract")
        start = 0
        for found in NAMED.finditer(text):
            if found[0] not in CLAUSES:
                logger.warning("the contract has no clause %s", found[0], location=self.env.docname)
            yield nodes.Text(text[start : found.start()])
            yield nodes.reference("", found[0], internal=True, refuri=f"{contract}#{nodes.make_id(found[0])}")
            start = found.end()
        yield nodes.Text(text[start:])


def setup(app: Sphinx) -> None:
    """Connect what this file defines; Sphinx calls it."""
    app.connect("source-read", link_to_repository)
    app.connect("include-read", mark_clauses)
    app.add_post_transform(LinkClauses)
