"""A channel of texts with their labels, and what all hosts have in theirs."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from runtime.distributed import consensus
from runtime.distributed.shares import Share
from runtime.errors import UserError
from runtime.text.vocabulary import count_words
from runtime.training.channels import Channel


@dataclass(frozen=True)
class Texts:
    """A channel's texts on this host with a label each, and which of them are computed here."""

    channel: str
    texts: list[str]
    labels: list[str]
    share: Share

    def all_labels(self) -> list[str]:
        """Return the labels on all hosts, in order. Raises UserError where there is but one."""
        found = sorted({label for labels in consensus.gather(sorted(set(self.labels))) for label in labels})
        if len(found) < 2:
            raise UserError(f"channel '{self.channel}' has the label '{found[0]}' only: there is nothing to tell apart")
        return found

    def all_words(self, count: int) -> list[str]:
        """Return the words that are most frequent on all hosts, at most so many."""
        total: Counter[str] = Counter()
        for counts in consensus.gather(count_words(self.texts)):
            total.update(counts)
        return sorted(total, key=lambda word: (-total[word], word))[:count]

    def numbers(self, labels: list[str]) -> np.ndarray:
        """Return the place of each text's label among `labels`, shape (texts,). Raises UserError for another label."""
        places = {label: place for place, label in enumerate(labels)}
        if unknown := sorted(set(self.labels) - set(places)):
            raise UserError(
                f"channel '{self.channel}' has the label '{unknown[0]}', which channel 'train' has not: "
                f"{', '.join(labels)}"
            )
        return np.array([places[label] for label in self.labels])


def read(channel: Channel, *, text: str, label: str) -> Texts:
    """Read all files of a channel, CSV with a header or Parquet: the columns of the texts and of their labels.

    Raises InputError that names the line of a text or a label that is missing.
    """
    texts, labels = [], []
    for table in channel.tables(header=True):
        columns = table.columns({text: str, label: str}, optional=False)
        texts += list(columns[0])
        labels += list(columns[1])
    return Texts(channel.name, texts, labels, Share(len(texts), sharded=channel.sharded))
