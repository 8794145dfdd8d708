"""The verbs in a tool's definition: in its name, its method argument and its description."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from pdp.domain.argument_words import HOLDS
from pdp.domain.catalogue import ValueType
from pdp.domain.definition import Definition, split_words
from pdp.domain.inference_names import agent_verb, verbs_of_name
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    COMPUTED_NOUNS,
    NOUN_LEADS,
    NOUNS_TOO,
    PHRASAL_VERBS,
    READ_HEADS,
    STRONG_VERBS,
    TRACKED_NOUNS,
    VERBS_ONLY,
    WEAK_VERBS,
    words,
)

READ_ONLY = re.compile(
    r"read[- ]?only|only (?:select|read)|select (?:quer|statement)|does not (?:modify|change)"
    r"|without (?:modifying|changing)|\bsafe to call",
    re.IGNORECASE,
)
#: The order of danger in which contradicting signs are settled.
DANGER = {tool_class: rank for rank, tool_class in enumerate(ToolClass)}
_METHOD_NAMES = words("method action operation op command verb task")
_QUOTED = re.compile(r"['\"`]([A-Za-z][A-Za-z_-]{2,40})['\"`]")
_LOOKING = {"convert": COMPUTED_NOUNS, "exchange": words("rate"), "track": TRACKED_NOUNS}
_NOT_SAID_LIGHTLY = words(
    "execute run evaluate eval set load perform convert type resolve apply make"
)
#: With somebody to be reached these are no nouns and no looking.
_CALLING = words("page ring buzz beep summon hail ping phone")
_CALLED = words("user person oncall responder engineer team staff member people colleague contact")
_REACHED = (ValueType.PERSON, ValueType.EMAIL, ValueType.PHONE)
_LOOK_AT = words(
    "file url page document link tab browser website app inbox mailbox folder message mail email "
    "attachment report article notification photo picture image video"
)
_BOILERPLATE = re.compile(
    r"^(?:(?:this|the|a|an)\s+)?(?:tools?|function|method|endpoint|command|helper|utility)?\s*"
    r"(?:(?:that|which|to|for|used|will|can|be|is|allows?|lets?|enables?|helps?|you|users?|agents?|"
    r"use|it|please|tool|the|this|ability|provides?)\s+)*",
    re.IGNORECASE,
)
#: "A message together with its replies", "The weather of a day": no verb stands first.
NAMES_A_THING = re.compile(
    r"^(?:an?|the|your|my|our|their|its|all|any|every|each|one|two|both|some|several|which|who|what|when|where|how)\s+"
    r"(?!(?:\S+\s+)?(?:tools?|functions?|methods?|endpoints?|commands?|helpers?|utilit(?:y|ies)"
    r"|apis?|services?|actions?|operations?|wrappers?|way|ability)\b)",
    re.IGNORECASE,
)
#: Nouns of looking, as verbs with an object something else ("Log a call", "Reports as spam").
_DONE_TO = {
    "log": (
        ToolClass.WRITE,
        re.compile(r"\s+(?:an?|the|your|this|work|time|hours|calls?|meals?)\b", re.IGNORECASE),
    ),
    "release": (ToolClass.WRITE, re.compile(r"\s+(?:an?|the|all|your)\b", re.IGNORECASE)),
    "place": (ToolClass.WRITE, re.compile(r"\s+(?:an?|the)\b", re.IGNORECASE)),
    "report": (
        ToolClass.SEND,
        re.compile(
            r"\s+(?:as|abuse|spam|someone|somebody|this|an? (?:user|member|message|post|comment|bug"
            r"|problem|issue|incident|person|violation|fault|error|outage|absence|sighting))\b",
            re.IGNORECASE,
        ),
    ),
}
#: "link_preview", "order_status": shown, where the description begins with looking.
_SHOWN = words("preview lookup summary history status info details overview report search stats")
_LINKED = words("link tag star pin flag fork label")
_LOGGED = words("note body message text comment entry description summary duration hour minute")
_COMPOUND = re.compile(r"(\w+)(?:,\s*(\w+))*(?:\s*(?:,|and/or|and|or|/|&)\s*)+(\w+)")
#: What is done besides with what was looked at: "Translates an article and stores the result".
_LATER = re.compile(
    r"^[^.]*?\b(?:and|then)(?: then| also)? (stores?|saves?|deletes?|removes?|sends?|publish(?:es)?"
    r"|overwrites?|e?mails|uploads?|forwards?|inserts?|purges?|submits?)"
    r" (?:an?|the|it|them|its|their|this|that|each|all)\b",
    re.IGNORECASE,
)
#: "Checks a guest in"
_IN_OR_OUT = re.compile(
    r"^(?:checks?|signs?|clocks?) (?!if|whether|which|what|that|how)(?:\S+ ){0,3}(?:in|out)"
    r"(?=[.,;]|$| (?:to|of|for|at|from)\b)",
    re.IGNORECASE,
)
#: "Answers to a survey", "Messages from a customer"
_PLURAL_AHEAD = re.compile(r"\s+(?:from|by|with)\b", re.IGNORECASE)
_NOUN_AHEAD = re.compile(r"\s+(?:of|history|list|details?|info|status)\b", re.IGNORECASE)
_FOLLOWED_BY_READ = re.compile(
    r"^\W*(?:an?|the|one|multiple|batch|full[- ]text|semantic|\w+)?\s*(?:\w+\s+){0,2}"
    r"(?:search|quer|look ?up|read|scan|check|request|get\b|analysis|review)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sign:
    """A verb found somewhere in the definition, and what it says."""

    tool_class: ToolClass
    verb: str
    ground: str
    strong: bool = True


def name_sign(definition: Definition) -> Sign | None:
    """The verb of a name: the first word, else the worst of those that can only be verbs."""
    tokens = definition.words
    for index, pair in enumerate(pairwise(tokens)):
        if pair in PHRASAL_VERBS and (index == 0 or tokens[0] not in STRONG_VERBS):
            verb, tool_class = PHRASAL_VERBS[pair]
            return Sign(tool_class, verb, f"name:{' '.join(pair)}")
    if tokens[:1] == ("draft",) and len(tokens) > 1 and not VERBS_ONLY & set(tokens[1:]):
        return Sign(ToolClass.DRAFT, "draft", "name:draft")
    if tokens[:1] == ("api",) and tokens[1:2] in (("post",), ("put",), ("get",)):
        # Generated from an HTTP interface: the word is its method and means no sending.
        read = tokens[1] == "get"
        tool_class = ToolClass.READ if read else ToolClass.WRITE
        return Sign(tool_class, "get" if read else "create", f"name:{tokens[1]}", strong=read)
    called = _calling(definition)
    if called:
        return Sign(ToolClass.SEND, "notify", f"name:{called} somebody")
    if tokens[:1] == ("log",) and any(field.head in _LOGGED for field in definition.fields):
        return Sign(ToolClass.WRITE, "log", "name:log", False)
    verbs, undecided = verbs_of_name(tokens, grouped=definition.grouped)
    classes = {verb: STRONG_VERBS.get(verb) or WEAK_VERBS[verb] for verb in verbs}
    spoken = description_sign(definition) if undecided else None
    if verbs == [tokens[0]] and tokens[-1] in _SHOWN and len(tokens) == 2:
        shows = description_sign(definition)
        if tokens[0] in _LINKED | NOUNS_TOO and shows and shows.tool_class is ToolClass.READ:
            return Sign(ToolClass.READ, shows.verb, f"name:{tokens[-1]}", False)
    if spoken is not None:
        meant = [verb for verb in verbs if verb == spoken.verb]
        alike = [verb for verb in verbs if classes[verb] is spoken.tool_class]
        verbs = meant or alike or verbs
    if verbs:
        verb = max(verbs, key=lambda word: DANGER[classes[word]])
        return Sign(classes[verb], verb, f"name:{verb}", verb in STRONG_VERBS)
    weak = [index for index, word in enumerate(tokens) if word in WEAK_VERBS]
    if weak and weak[0] > 0 and _is_compound(definition, tokens[weak[-1]]):
        return None
    if not weak:
        # "current_user", "account_balance": a thing is named, and nothing done to it.
        for word in (definition.object_head, *tokens[:1]):
            if word in (READ_HEADS if word == definition.object_head else NOUN_LEADS):
                return Sign(ToolClass.READ, "", f"name:{word}", False)
        doer = agent_verb(tokens[-1]) if tokens else ""
        return Sign(STRONG_VERBS[doer], doer, f"name:{tokens[-1]}") if doer else None
    first = tokens[weak[0]] if weak[0] == 0 or len(weak) == 1 else tokens[weak[-1]]
    if tokens[-1] in WEAK_VERBS and tokens[-1] in VERBS_ONLY:
        # "file_open"
        first = tokens[-1]
    verb = "draft" if "draft" in tokens else first
    if verb == "open" and not definition.nouns & _LOOK_AT:
        return Sign(ToolClass.WRITE, "create", "name:open", False)
    if verb == "open":
        return Sign(ToolClass.READ, "open", "name:open", False)
    if verb in _LOOKING and definition.nouns & _LOOKING[verb]:
        return Sign(ToolClass.READ, verb, f"name:{verb}", False)
    return Sign(WEAK_VERBS[verb], verb, f"name:{verb}", False)


def _is_compound(definition: Definition, noun: str) -> bool:
    """Whether the verb at the end of the name is the noun of a thing ("case_file", "seat_plan").

    So where the description begins as one names a thing, and the word as a verb would send nothing.
    """
    if noun != definition.words[-1] or WEAK_VERBS[noun] not in (ToolClass.WRITE, ToolClass.DRAFT):
        return False
    return NAMES_A_THING.match(definition.description) is not None


def _calling(definition: Definition) -> str:
    """The verb where the tool calls somebody ("page_engineer"), or an empty string.

    Most of these words are nouns ("page_history"), so the name or the description has to use it as
    a verb, and an argument to say who is called.
    """
    verb = next(iter(definition.words), "")
    if verb not in _CALLING or not STRONG_VERBS.keys().isdisjoint(definition.words[1:]):
        return ""
    spoken = definition.description.lower().split(" ", 1)[0] in (verb, f"{verb}s")
    if not spoken and definition.nouns.isdisjoint(_CALLED):
        return ""
    reached = (
        HOLDS.get(word) in _REACHED
        for field in definition.fields
        for word in field.words
        if not field.is_numeric
    )
    return verb if any(reached) else ""


def method_sign(definition: Definition) -> Sign | None:
    """The worst of what an argument like `method` lets the caller choose."""
    signs: list[Sign] = []
    for field in definition.fields:
        if field.label not in _METHOD_NAMES:
            continue
        for choice in field.choices or _QUOTED.findall(field.description):
            tokens = split_words(choice) if isinstance(choice, str) else ()
            verbs = [word for word in tokens if word in STRONG_VERBS]
            if not verbs and len(tokens) == 1 and tokens[0] in WEAK_VERBS:
                verbs = list(tokens)
            if verbs:
                verb = verbs[0]
                tool_class = STRONG_VERBS.get(verb) or WEAK_VERBS[verb]
                signs.append(Sign(tool_class, verb, f"schema:{field.path}={choice}"))
    return max(signs, key=lambda sign: DANGER[sign.tool_class], default=None)


def description_sign(definition: Definition) -> Sign | None:
    """The verbs that the description begins with ("Creates and sends an invoice")."""
    if NAMES_A_THING.match(definition.description):
        return None
    text = _BOILERPLATE.sub("", definition.description, count=1)
    if _IN_OR_OUT.match(text):
        return Sign(ToolClass.WRITE, "check in", "description:check in")
    first = re.match(r"[A-Za-z]+", text)
    if first is None:
        return None
    spoken = [first[0]]
    compound = _COMPOUND.match(text)
    if compound is not None:
        spoken.append(compound[3])
    later = _LATER.search(text)
    if later is not None:
        spoken.append(later[1])
    found: list[Sign] = []
    for word in spoken:
        verb = infinitive(word.lower())
        tool_class = STRONG_VERBS.get(verb) or WEAK_VERBS.get(verb)
        after = text[text.find(word) + len(word) :]
        done, to_something = _DONE_TO.get(verb, (ToolClass.READ, None))
        if to_something is not None and to_something.match(after):
            found.append(Sign(done, verb, f"description:{word.lower()}"))
            continue
        if tool_class is None:
            continue
        if verb == "return":
            # "Returns the list" says what comes back; "return_order" is an act.
            tool_class = ToolClass.READ
        elif _NOUN_AHEAD.match(after):
            continue
        if verb in WEAK_VERBS and verb != word.lower() and _PLURAL_AHEAD.match(after):
            continue
        if verb == "answer" and after.startswith(" to "):
            continue
        if (
            tool_class is ToolClass.EXECUTE or verb in ("send", "perform", "make")
        ) and _FOLLOWED_BY_READ.match(after):
            tool_class = ToolClass.READ
        if tool_class is ToolClass.EXECUTE and READ_ONLY.search(definition.description):
            tool_class = ToolClass.READ
        found.append(Sign(tool_class, verb, f"description:{word.lower()}", verb in STRONG_VERBS))
    return max(found, key=lambda sign: DANGER[sign.tool_class], default=None)


def infinitive(word: str) -> str:
    """The base form of an English verb, as far as the vocabulary knows it."""
    candidates = [word]
    if word.endswith("ies"):
        candidates.append(word[:-3] + "y")
    if word.endswith("es"):
        candidates.append(word[:-2])
    if word.endswith("s"):
        candidates.append(word[:-1])
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        candidates += [stem, stem + "e"]
        if stem[-1] == stem[-2]:
            candidates.append(stem[:-1])
    known = STRONG_VERBS.keys() | WEAK_VERBS.keys() | _DONE_TO.keys()
    return next((one for one in candidates if one in known), word)


def description_counts(definition: Definition, name: Sign | None, described: Sign) -> bool:
    """Whether the description has a say: always where the name has no clear verb.

    Beside a clear verb it can only make things worse, and only by a clear verb of its own.
    """
    if name is None:
        return True
    if described.verb == name.verb:
        return False
    if name.strong:
        return (
            name.tool_class is ToolClass.READ
            and described.strong
            and described.tool_class is not ToolClass.READ
            and described.verb not in _NOT_SAID_LIGHTLY
        )
    return definition.object_head in READ_HEADS or (
        DANGER[described.tool_class] > DANGER[name.tool_class]
    )
