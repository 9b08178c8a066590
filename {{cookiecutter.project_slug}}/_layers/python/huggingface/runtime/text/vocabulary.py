"""A tokenizer for a network that begins with nothing, made of the words of its data."""

import string
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
# BERT's: small letters without accents; punctuation marks and Chinese characters are words.
NORMALIZER, SPLITTER = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word is in the texts."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(word for word, _ in SPLITTER.pre_tokenize_str(NORMALIZER.normalize_str(text)))
    return found


def tokenizer(words: Sequence[str], max_length: int) -> PreTrainedTokenizerBase:
    """Return a tokenizer that knows the words, spells all others, and cuts texts to `max_length` tokens.

    It is made of the words alone, so that all who know them have the same; trainers of WordPiece differ in every run.
    """
    characters = sorted({*string.ascii_lowercase, *string.digits, *string.punctuation, *"".join(words)})
    tokens = [PAD, UNKNOWN, BEGIN, END, *characters, *(f"##{one}" for one in characters), *words]
    places = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    backend = Tokenizer(models.WordPiece(places, unk_token=UNKNOWN))
    backend.normalizer, backend.pre_tokenizer = NORMALIZER, SPLITTER
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(token, places[token]) for token in (BEGIN, END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=BEGIN,
        sep_token=END,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )
