"""What -k can name: a check's function, the clauses that it holds (I8), the words of its sentence."""

import re

import pytest

CLAUSE = re.compile(r"[A-Z]{1,2}\d+")
WORD = re.compile(r"[\w./:-]+")
TOKEN = re.compile(rf"[()]|{WORD.pattern}")
OPERATORS = ("and", "or", "not", "(", ")")
HOW = (
    "-k takes a clause of contract.md (I8), a check's name (test_ping_while_busy) or words of its sentence "
    "(metrics), joined by `and`, `or`, `not`"
)


def sentence(item: pytest.Item) -> str:
    """Return the sentence that stands for a check on the screen: the first line of its docstring."""
    words = item.function.__doc__ if isinstance(item, pytest.Function) else None
    return (words or item.name).splitlines()[0].rstrip(".")


def clauses(item: pytest.Item) -> tuple[str, ...]:
    """Return the clauses that a check holds; a check that a project has added needs none."""
    marker = item.get_closest_marker("clause")
    return marker.args if marker else ()


def expression(wanted: str) -> str:
    """Return pytest's expression for what was given to -k.

    pytest looks for parts of words, so I1 would find I12: a clause is looked for as a whole. Words without an operator
    between them, as in a sentence, must all be there.
    """
    parts: list[str] = []
    for token in TOKEN.findall(wanted):
        if token not in OPERATORS and parts and parts[-1] not in OPERATORS:
            parts.append("and")
        parts.append(whole(token) if CLAUSE.fullmatch(token) else token)
    return " ".join(parts)


def whole(clause: str) -> str:
    """Return a clause as a word that is part of no other clause's."""
    return f"clause_{clause}_"


def offer(item: pytest.Item) -> None:
    """Let -k find a check by its clauses and by the words of its sentence."""
    item.extra_keyword_matches.update(WORD.findall(sentence(item)), map(whole, clauses(item)))
