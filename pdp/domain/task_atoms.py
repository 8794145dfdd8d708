"""What one task has met: every atom with where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from pdp.domain.answers import described, given_links, own_values
from pdp.domain.asked import Asked
from pdp.domain.atoms import (
    Atom,
    AtomKind,
    case_matters,
    coded,
    is_short,
    is_strong,
    value_atoms,
)
from pdp.domain.atoms_said import bare_words, parts, places, standing_numbers
from pdp.domain.atoms_text import (
    dates,
    find_forms,
    grouped_digits,
    numbers,
    typed_forms,
)
from pdp.domain.atoms_values import scalar_leaves, whole_forms
from pdp.domain.atoms_words import telling
from pdp.domain.catalogue import ValueType
from pdp.domain.directory import choice
from pdp.domain.normal_form import normalise
from pdp.domain.output_forms import OutputForms, read_forms
from pdp.domain.record_words import spoken_of
from pdp.domain.seen import Origin, Seen, met_again
from pdp.domain.senders import Senders
from pdp.domain.values import OutputLabel, Sensitivity
from pdp.domain.wording import Wording

if TYPE_CHECKING:
    from pdp.domain.answers import Thing
    from pdp.domain.canonical import JsonValue

#: Atoms of one task; beyond it memory and set-up grow with what a tool returns, and no person
#: chooses a value among so many. Values that come later are unknown.
MAX_ATOMS: Final = 20_000
#: Texts that a principal vouches for in one task; each is searched for runs of words.
_MAX_TEXTS: Final = 64
#: Said in texts of a principal, atoms of this many; a goal of 16 KiB holds fewer.
_MAX_SAID: Final = 20_000

_UNSEEN: Final = Seen()


class TaskAtoms:
    """The atoms of one task, in the order in which the task met them.

    Looking an atom up costs the same however long the task is. Not for several threads at once.
    """

    __slots__ = (
        "_asked", "_bases", "_drafts", "_exact", "_order", "_read", "_said", "_seen", "_senders",
        "_texts", "full",
    )  # fmt: skip

    def __init__(self, base: TaskAtoms | None = None) -> None:
        """Start empty, or as a draft over `base`, which stays as it is until it absorbs the draft.

        `full` says that something was met and not kept.
        """
        self._seen: dict[str, Seen] = {}
        self._exact: set[str] = set()
        self._said: dict[str, tuple[str, int]] = {}
        self._texts: list[tuple[Wording, str, int]] = []
        self._read: Mapping[str, Sequence[str]] = {}
        self._drafts: dict[str, bool] = {}
        self._asked: dict[str, Asked] = {}
        self._senders: Senders = Senders(base._senders if base is not None else None)
        self._bases: tuple[TaskAtoms, ...] = () if base is None else (base, *base._bases)
        self._order: int = base._order if base is not None else 0
        self.full: bool = base.full if base is not None else False

    def draft(self) -> TaskAtoms:
        """A view of these atoms that can be added to and dropped, or absorbed once it is sure."""
        return TaskAtoms(self)

    def absorb(self, draft: TaskAtoms) -> None:
        """Keep what a draft over these atoms has added."""
        self._seen.update(draft._seen)
        self._exact |= draft._exact
        self._said.update(draft._said)
        self._texts.extend(draft._texts)
        self._drafts.update(draft._drafts)
        self._asked.update(draft._asked)
        self._senders = draft._senders
        self._order, self.full = draft._order, draft.full

    def __len__(self) -> int:
        """How many atoms came from outputs, arguments and asserted texts."""
        return sum(len(layer._seen) for layer in self._layers())

    def add_principal(self, text: str, source: str = "goal") -> None:
        """A text that an orchestrator vouches for as the principal's word: a goal, a message."""
        self._order += 1
        if self._count_texts() >= _MAX_TEXTS:
            self.full = True
            return
        wording = Wording(text)
        self._texts.append((wording, source, self._order))
        seen = normalise(text)
        forms = [
            *typed_forms(seen, cells=wording.quoted),
            *grouped_digits(seen),
            *(f"{AtomKind.NUMBER}:{found}" for found in numbers(seen)),
            *(f"{AtomKind.DATE}:{found}" for found in dates(seen)),
            *parts(seen),
            *places(seen),
            *standing_numbers(seen),
            *(f"verbatim:{part}" for part in (*wording.quoted, *bare_words(seen))),
        ]
        for form in islice(dict.fromkeys(forms), _MAX_SAID):
            self._said.setdefault(form.casefold(), (source, self._order))
            self._exact.add(form)

    def add_asserted(self, text: str) -> None:
        """A text that nobody vouches for: it gains no trust, and takes it from what comes later."""
        found = find_forms(telling(normalise(text)))
        self.full = self.full or not found.complete
        self._add(found.forms, Seen(order=self._next(), uttered=True))

    def add_arguments(self, arguments: JsonValue) -> None:
        """The arguments of a call that was allowed: the agent's words, wherever they reappear."""
        read, self._read = self._read, {}
        forms: list[str] = []
        unread: list[str] = []
        for leaf in scalar_leaves(arguments):
            if leaf in read:
                forms.extend(read[leaf])
            else:
                unread.append(normalise(leaf))
        rest = find_forms(telling("\n".join(unread)), cells=unread)
        self.full = self.full or not rest.complete
        forms.extend(rest.forms)
        self._add(forms, Seen(order=self._next(), uttered=True))

    def add_draft(self, decision_id: str, identifiers: Iterable[str], *, vouched: bool) -> None:
        """A draft was allowed that may be sent by its identifier, and changes these identifiers.

        `vouched` says that the principal named everybody it goes to, and nothing in it reaches
        anybody else. To be told after the call's arguments.
        """
        self._drafts[decision_id] = vouched
        for value in () if vouched else identifiers:
            for one in value_atoms(value, ValueType.IDENTIFIER):
                found = self._get(one.key)
                if found is not _UNSEEN or len(self) < MAX_ATOMS:
                    self._seen[one.key] = found._replace(
                        doubtful=True, order=found.order or self._order
                    )

    def add_call(self, decision_id: str, asked: Asked) -> None:
        """A call was allowed that is for this. To be told after the call's arguments."""
        if asked is not Asked.NOTHING:
            self._asked[decision_id] = asked

    def _drafted(self, decision_id: str) -> bool | None:
        for layer in self._layers():
            if decision_id in layer._drafts:
                return layer._drafts[decision_id]
        return None

    def expect(self, read: Mapping[str, Sequence[str]]) -> None:
        """Texts of a call whose arguments may be added next, with the forms read in each."""
        self._read = read

    def add_output(
        self,
        raw: bytes,
        media_type: str,
        label: OutputLabel,
        decision_id: str,
        sensitivity: Sensitivity = Sensitivity.UNSPECIFIED,
        *,
        led: bool = False,
    ) -> None:
        """What a call returned, or material appended with this trust (`decision_id` its source)."""
        self.add_reading(read_forms(raw, media_type), label, decision_id, sensitivity, led=led)

    def add_reading(
        self,
        read: OutputForms,
        label: OutputLabel,
        decision_id: str,
        sensitivity: Sensitivity = Sensitivity.UNSPECIFIED,
        *,
        led: bool = False,
    ) -> None:
        """As `add_output`, of what was read: an output that is told again may have nothing else.

        `label` is the minimum of `provenance.output_label`, `sensitivity` that of the call; `led`
        says that untrusted content led the task to it.
        """
        if read.torn:
            label = OutputLabel.UNTRUSTED
        if not read.complete:
            self.full = True
        origin = Origin.UNTRUSTED
        if label is OutputLabel.TRUSTED:
            # What was met and not kept could be what this output says again.
            origin = Origin.UNKNOWN if self.full else Origin.TRUSTED
        seen = Seen(
            origin=origin,
            source=decision_id,
            outputs=frozenset({label}),
            sensitivity=sensitivity,
            order=self._next(),
            led=led,
        )
        asked = [layer._asked.get(decision_id, Asked.NOTHING) for layer in self._layers()]
        made, looked_up = Asked.MADE in asked, Asked.LOOKED_UP in asked
        if made or looked_up:
            links = given_links(read.thing, None if made else lambda one: self.said(coded(one)))
            minted = [one for one in whole_forms(links) if self._get(one.casefold()) is _UNSEEN]
            self._add(minted, seen._replace(minted=True))
        vouched = self._drafted(decision_id)
        if vouched is not None:
            # What is new was minted for the draft; the rest it was given.
            forms = dict.fromkeys((*read.values, *read.prose))
            minted = [form for form in forms if self._get(form.casefold()) is _UNSEEN]
            self._add(minted, seen._replace(named=vouched, doubtful=not vouched))
        self._add(read.values, seen)
        # What a call of the task's own says of what it made selects nothing.
        own = made or vouched is not None
        if label is OutputLabel.TRUSTED and (read.records or read.lines > 2):
            # A system's list is its own word; what people wrote into a field of it is theirs.
            whole, label = set(read.values), OutputLabel.UNTRUSTED
            theirs = seen._replace(origin=Origin.UNTRUSTED, outputs=frozenset({label}))
            rest = [form for form in read.prose if form not in whole]
            self._add(rest, theirs._replace(pointed=True))
        else:
            self._add(read.prose, seen._replace(pointed=origin is Origin.UNTRUSTED and not own))
        self._add_records(read, seen)
        if looked_up and not self.full:
            self._add_described(read.thing, seen)
        if Asked.OWN in asked and origin is Origin.TRUSTED:
            self._add(whole_forms(own_values(read.thing)), seen._replace(named=True))

    def _add_described(self, thing: Thing | None, seen: Seen) -> None:
        """Whom the principal meant by a thing that was looked up for it, and nothing else chose."""
        texts = self.texts()
        found = described(
            thing,
            lambda value: self.said(coded(value)),
            lambda word: any(text.addresses(word) for text in texts),
        )
        meant = seen._replace(origin=Origin.TRUSTED, named=True, meant=True, related=True)
        forms = [form for form in whole_forms(found) if not self._get(form.casefold()).pointed]
        self._add(forms, meant)

    def _add_records(self, read: OutputForms, seen: Seen) -> None:
        """What the principal's names say of the records of an output."""
        texts = self.texts()
        if not texts or not (read.records or read.shared):
            return
        known = frozenset[str]().union(*(text.words for text in texts))
        spoken = spoken_of(read, known, lambda value: self.said(coded(value)))
        self._add(spoken.named, seen._replace(named=True))
        self._add(spoken.others, seen._replace(pointed=True))
        self._senders.add(read.shared, lambda word: any(text.calls(word) for text in texts), known)
        # Of a list that was not looked at as a whole, nobody knows which entry is the one.
        if seen.origin is Origin.TRUSTED and read.all_records and spoken.complete:
            chosen = choice(
                read.records,
                lambda word: any(text.calls_plainly(word) for text in texts),
                spoken.said.__contains__,
            )
            self._add(whole_forms(chosen.meant), seen._replace(named=True, meant=True))
            self._add(whole_forms(chosen.disputed), seen._replace(disputed=True))

    def find(self, one: Atom) -> Seen:
        """Where a value came from: the principal, the first that held it, or nowhere (unknown).

        The principal's word settles a strong atom; a weak one only where the principal spoke first
        or named it. Otherwise untrusted and asserted occurrences beat trusted ones, unless a
        trusted one came first.
        """
        found = self._get(one.key)
        said = self._saying(one)
        if said is not None:
            source, order, settled = said
            if settled or found is _UNSEEN or order < found.order:
                return found._replace(origin=Origin.PRINCIPAL, source=source)
        if found.origin is Origin.TRUSTED and (
            found.disputed or is_short(one.key) or not self._is_exact(one)
        ):
            return found._replace(origin=Origin.UNKNOWN)
        return found

    def sensitivity(self, one: Atom) -> Sensitivity:
        """The highest of the outputs that held a value; unspecified where the principal said it."""
        found = self._get(one.key)
        if found.sensitivity:
            found = self.find(one)
        return Sensitivity.UNSPECIFIED if found.origin is Origin.PRINCIPAL else found.sensitivity

    def said(self, one: Atom) -> bool:
        """Whether the principal said this value, as such or by name."""
        return self._saying(one) is not None

    def shared(self, one: Atom) -> bool:
        """Whether a link is the only one of somebody whom the principal names, and of pages."""
        return self._senders.only(one.form)

    def says(self, text: str) -> bool:
        """Whether a text of the principal holds this as a run of whole words, or quotes it."""
        return any(wording.says(text) for wording in self.texts())

    def composes(self, text: str) -> bool:
        """Whether a text is put together of nothing but runs of the principal's words."""
        return any(wording.composes(text) for wording in self.texts())

    def verbatim(self, value: str) -> str | None:
        """The source of a principal's text that gives exactly this value, quoted or as one word."""
        form = f"verbatim:{value}"
        for layer in self._layers():
            if form in layer._exact:
                return layer._said[form.casefold()][0]
        return None

    def _saying(self, one: Atom) -> tuple[str, int, bool] | None:
        key, form = one
        if not form:
            return None
        for layer in self._layers():
            found = layer._said.get(key)
            if found is not None and self._is_exact(one):
                return (*found, True)
        if not key.startswith("text:") or case_matters(form):
            return None
        value = form.removeprefix("text:")
        for layer in reversed(self._layers()):
            for wording, source, order in layer._texts:
                if wording.names(value):
                    return source, order, is_strong(key) or wording.marks(value)
        return None

    def _is_exact(self, one: Atom) -> bool:
        form = one.form
        if not form:
            return False
        return not case_matters(form) or any(form in layer._exact for layer in self._layers())

    def _get(self, key: str) -> Seen:
        found = self._seen.get(key)
        for base in self._bases if found is None else ():
            found = found or base._seen.get(key)
        return found or _UNSEEN

    def _layers(self) -> tuple[TaskAtoms, ...]:
        """From the newest to the oldest."""
        return (self, *self._bases)

    def _count_texts(self) -> int:
        return sum(len(layer._texts) for layer in self._layers())

    def texts(self) -> list[Wording]:
        """What the principal said."""
        return [wording for layer in self._layers() for wording, _, _ in layer._texts]

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _add(self, forms: Iterable[str], new: Seen) -> None:
        """Take in what one source held, as far as there is room."""
        forms = list(forms)
        own = self._seen
        fresh = dict.fromkeys(map(str.casefold, forms), new)
        # Most atoms of one source were met together before, and change alike.
        changed: dict[int, tuple[Seen, Seen]] = {}
        for layer in self._layers():
            for key in fresh.keys() & layer._seen.keys():
                old = layer._seen[key]
                del fresh[key]
                if id(old) not in changed:
                    changed[id(old)] = (old, met_again(old, new))
                after = changed[id(old)][1]
                if after is not old:
                    own[key] = after
        room = max(0, MAX_ATOMS - len(self))
        if len(fresh) > room:
            self.full = True
            kept = dict(islice(fresh.items(), room))
            forms = [form for form in forms if (key := form.casefold()) in kept or key not in fresh]
            fresh = kept
        own.update(fresh)
        if new.origin is Origin.TRUSTED:
            self._exact.update(forms)
