"""What a principal's words also mean: a host as a link, the names inside a compound."""

from __future__ import annotations

from collections.abc import Iterable

from pdp.domain.atoms import AtomKind, atom
from pdp.domain.atoms_text import is_linked, word_urls


def bare_words(text: str) -> Iterable[str]:
    """The words of a text without the marks around them."""
    return (word.strip(".,;:!?'\"`()[]{}<>") for word in text.split())


def places(text: str) -> Iterable[str]:
    """A host or link written without a scheme is meant with either; a host is also a domain."""
    for word in dict.fromkeys(text.split()):
        bare = word.strip(".,;:!?'\"`()[]{}<>")
        if is_linked(bare):
            yield from (
                f"{AtomKind.URL}:{scheme}://{bare.lower()}/" for scheme in ("http", "https")
            )
            continue
        for form, written in word_urls(word):
            if form is not None and "://" not in written:
                yield f"{AtomKind.URL}:http://{form.removeprefix('https://')}"
            if form is not None and form.count("/") == 3 and form.endswith("/"):
                yield f"{AtomKind.TEXT}:{form.split('/')[2]}"


def parts(text: str) -> Iterable[str]:
    """The names that a principal's compound gives: `owner/name#7`, the steps of a URL's path."""
    for word in text.split():
        bare = word.strip(".,;:!?'\"`()[]{}<>")
        if "/" not in bare or bare.startswith(("/", ".", "~")) or len(bare) > 2048:
            continue
        path = bare.partition("://")[2].partition("/")[2] if "://" in bare else bare
        for step in path.partition("?")[0].partition("#")[0].split("/"):
            if step:
                yield atom(AtomKind.TEXT, step).form
        number = bare.rpartition("#")[2]
        if number.isdigit():
            yield atom(AtomKind.TEXT, number).form
