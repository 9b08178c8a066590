"""Refuse bad answers before a file is written.

Cookiecutter renders this file as a Jinja template and runs it with its own
interpreter: standard library only. The answers enter once, as JSON on a line
of its own, so that any answer is safe and this file is valid Python unrendered.
"""

import json
import re
import sys

ANSWERS = r"""
{{ cookiecutter | tojson }}
"""

# What is a folder name, an image name, an ECR repository name (E1) and the start of SageMaker's names alike.
SLUG = re.compile(r"[a-z0-9][a-z0-9-]*[a-z0-9]")
SLUG_LENGTH = 63


def problems(answers: dict) -> list[str]:
    """Return one line for each answer that is refused: the field, the value, and what is allowed."""
    refused = {}
    for field in ("project_name", "description", "author_name"):
        if not answers[field].strip():
            refused[field] = "it must not be empty"
    slug = answers["project_slug"]
    if not SLUG.fullmatch(slug) or len(slug) > SLUG_LENGTH:
        refused["project_slug"] = (
            f"allowed are 2 to {SLUG_LENGTH} lowercase letters (a-z), digits and hyphens, "
            "with a letter or digit at either end"
        )
    right = answers["_frameworks"][answers["framework"]]["language"]
    if answers["language"] != right:
        refused["language"] = f"the language of {answers['framework']} is {right}"
    return [f"{field} = {json.dumps(answers[field])}: {allowed}" for field, allowed in refused.items()]


if __name__ == "__main__":
    sys.exit("\n".join(problems(json.loads(ANSWERS))) or 0)
