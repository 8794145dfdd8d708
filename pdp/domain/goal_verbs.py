"""The base forms of English verbs: "sending" and "sent" are "send"."""

from __future__ import annotations

from pdp.domain.goal_grammar import IRREGULAR
from pdp.domain.goal_words import Acts, verb_acts


def base_form(word: str) -> str:
    """The base form of a gerund or participle that is known, else the word itself."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            shorter = stem[:-1] if stem[-1:] == stem[-2:-1] else stem
            for one in (stem, stem + "e", shorter):
                if verb_acts(one):
                    return one
            if stem.endswith("i") and verb_acts(stem[:-1] + "y"):
                return stem[:-1] + "y"
    return word


def formed(word: str, ending: str) -> Acts:
    """The acts of a gerund or participle with this ending, or of an irregular one."""
    stem = base_form(word)
    return (
        verb_acts(stem)
        if stem != word and (word.endswith(ending) or word in IRREGULAR)
        else frozenset()
    )
