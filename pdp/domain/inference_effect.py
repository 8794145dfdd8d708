"""What a tool does, guessed from its definition: class, reversibility, and whether data goes out.

Every rule here is about English and JSON Schema, none about a particular server. Where signs
contradict each other the more dangerous one is taken and the contradiction is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from pdp.domain.definition import Definition, Field, singular, split_words
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    ADMIN_NOUNS,
    ADMIN_PHRASES,
    CREATING_VERBS,
    DESCRIBING_NOUNS,
    EDITABLE_MESSAGE_NOUNS,
    IRREVERSIBLE_VERBS,
    MEMBER_NOUNS,
    MESSAGE_NOUNS,
    MONEY_NOUNS,
    MONEY_VERBS,
    PHRASAL_VERBS,
    READ_HEADS,
    REMOVING_VERBS,
    SHARED_NOUNS,
    SOCIAL_PLACES,
    STRONG_VERBS,
    WEAK_VERBS,
    WEB_NOUNS,
    words,
)

#: The order of danger in which contradicting signs are settled.
_DANGER = {tool_class: rank for rank, tool_class in enumerate(ToolClass)}

_ORGANISATIONS = words(
    "organization organisation org workspace tenant project repository repo team"
)
_PARTIES = words("attendee participant invitee guest")
_EVENTS = words("event meeting appointment invite calendar")
_METHOD_NAMES = words("method action operation op command verb task")
_COMMAND_NAMES = words("command cmd shell_command script bash powershell")
_CODE_NAMES = words("command cmd script code sql statement shell_command cypher expression program")
_LOOK_AT = words("file url page document link tab browser website app")

_BOILERPLATE = re.compile(
    r"^(?:(?:this|the|a|an)\s+)?(?:tools?|function|method|endpoint|command|helper|utility)?\s*"
    r"(?:(?:that|which|to|for|used|will|can|be|is|allows?|lets?|enables?|helps?|you|users?|agents?|"
    r"use|it|please|tool|the|this|ability|provides?)\s+)*",
    re.IGNORECASE,
)
_COMPOUND = re.compile(r"(\w+)(?:,\s*(\w+))*(?:\s*(?:,|and/or|and|or|/|&)\s*)+(\w+)")
_READ_ONLY = re.compile(
    r"read[- ]?only|only (?:select|read)|select (?:quer|statement)|does not (?:modify|change)"
    r"|without (?:modifying|changing)|\bsafe to call",
    re.IGNORECASE,
)
_TELLS_OTHERS = re.compile(
    r"\b(?:sends?|e-?mails?|notif(?:y|ies)|invites?|sending|emailing|notifying)\b[^.]{0,60}"
    r"\b(?:e-?mails?|notifications?|invitations?|invites?|messages?|participants?|attendees?|"
    r"recipients?|guests?|invitees?|subscribers?)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|without|never|no|n't|doesn't|don't)\b[^.]{0,40}$", re.IGNORECASE)
_WEB_TEXT = re.compile(
    r"\b(?:search(?:es)?|brows\w+|quer\w+|crawl\w*|results? from|content from)\b[^.]{0,40}"
    r"\b(?:the web|the internet|web search|online|google|bing|brave|duckduckgo|world wide web|"
    r"web ?(?:pages?|sites?))|\bweb search\b|\binternet search\b",
    re.IGNORECASE,
)
_FOLLOWED_BY_READ = re.compile(
    r"^\W*(?:an?|the|one|multiple|batch|full[- ]text|semantic|\w+)?\s*(?:\w+\s+){0,2}"
    r"(?:search|quer|look ?up|read|scan|check|request|get\b|analysis|review)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Effect:
    """The guess, each part with its grounds; no grounds where nothing was found at all.

    `verb` is the word that says what the tool does, empty where none does. `warnings` are
    contradictions for a person to settle.
    """

    tool_class: ToolClass
    class_grounds: tuple[str, ...]
    verb: str
    reversible: bool
    reversible_grounds: tuple[str, ...]
    egress: bool
    egress_grounds: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def creates(self) -> bool:
        """Whether the tool brings something new into being."""
        return self.verb in CREATING_VERBS


@dataclass(frozen=True, slots=True)
class _Sign:
    """A verb found somewhere in the definition, and what it says."""

    tool_class: ToolClass
    verb: str
    ground: str
    strong: bool = True


def infer_effect(definition: Definition) -> Effect:
    """Weigh the name, the description, a method argument and the server's annotations."""
    sign, grounds, warnings = _weigh(definition)
    if sign is None:
        return Effect(ToolClass.ADMIN, (), "", False, (), True, (), warnings)
    raised = _raise(definition, sign)
    if raised is not None and _DANGER[raised.tool_class] != _DANGER[sign.tool_class]:
        sign, grounds = raised, (*grounds, raised.ground)
    reversible, why_reversible = _reversible(definition, sign)
    egress, why_egress = _egress(definition, sign)
    return Effect(
        sign.tool_class,
        grounds,
        sign.verb,
        reversible,
        (why_reversible,),
        egress,
        (why_egress,),
        warnings,
    )


def _weigh(definition: Definition) -> tuple[_Sign | None, tuple[str, ...], tuple[str, ...]]:
    """The sign that decides, the grounds for it, and where signs contradict each other."""
    name = _name_sign(definition)
    method = _method_sign(definition)
    described = _description_sign(definition)
    signs = [sign for sign in (name, method) if sign is not None]
    if described is not None and _description_counts(definition, name, described):
        if name is not None and not name.strong and definition.object_head in READ_HEADS:
            signs.remove(name)
        signs.append(described)
    read_only = definition.annotations.get("readOnlyHint")
    destructive = definition.annotations.get("destructiveHint")
    worst = max(signs, key=lambda sign: _DANGER[sign.tool_class], default=None)
    grounds = tuple(sign.ground for sign in signs)
    if read_only is True:
        hint = "annotation:readOnlyHint=true"
        effectful = worst is not None and worst.tool_class is not ToolClass.READ
        if worst is None or not effectful:
            return (worst or _Sign(ToolClass.READ, "", hint)), (hint, *grounds), ()
        if not worst.strong and worst is not method:
            return _Sign(ToolClass.READ, worst.verb, hint), (hint,), ()
        warning = f"{hint} contradicts {worst.ground}; the worse was taken"
        return worst, (*grounds, warning), (warning,)
    if read_only is False or destructive is True:
        hint = f"annotation:readOnlyHint={str(read_only).lower()}"
        if read_only is not False:
            hint = "annotation:destructiveHint=true"
        if worst is None:
            return _Sign(ToolClass.WRITE, "", hint), (hint,), ()
        if worst.tool_class is ToolClass.READ:
            warning = f"{hint} contradicts {worst.ground}; the worse was taken"
            return _Sign(ToolClass.WRITE, worst.verb, hint), (hint, warning), (warning,)
        return worst, (*grounds, hint), ()
    return worst, grounds, ()


def _name_sign(definition: Definition) -> _Sign | None:
    """The verb of a name: the first word, else the worst of those that can only be verbs."""
    tokens = definition.words
    for index, pair in enumerate(pairwise(tokens)):
        if pair in PHRASAL_VERBS and (index == 0 or tokens[0] not in STRONG_VERBS):
            verb, tool_class = PHRASAL_VERBS[pair]
            return _Sign(tool_class, verb, f"name:{' '.join(pair)}")
    strong = [index for index, word in enumerate(tokens) if word in STRONG_VERBS]
    if strong and strong[0] == 0:
        # "create_or_update" says two verbs; "list_pull_requests" only one.
        strong = [0] + [at for at in strong if at > 1 and tokens[at - 1] in ("or", "and")]
    if strong:
        verb = max((tokens[at] for at in strong), key=lambda word: _DANGER[STRONG_VERBS[word]])
        return _Sign(STRONG_VERBS[verb], verb, f"name:{verb}")
    weak = [index for index, word in enumerate(tokens) if word in WEAK_VERBS]
    if not weak:
        head = definition.object_head
        return _Sign(ToolClass.READ, "", f"name:{head}", False) if head in READ_HEADS else None
    first = tokens[weak[0]] if weak[0] == 0 or len(weak) == 1 else tokens[weak[-1]]
    verb = "draft" if "draft" in tokens else first
    if verb == "open" and not definition.nouns & _LOOK_AT:
        return _Sign(ToolClass.WRITE, "create", "name:open", False)
    if verb == "open":
        return _Sign(ToolClass.READ, "open", "name:open", False)
    return _Sign(WEAK_VERBS[verb], verb, f"name:{verb}", False)


def _method_sign(definition: Definition) -> _Sign | None:
    """The worst of what an argument like `method` lets the caller choose."""
    signs: list[_Sign] = []
    for field in definition.fields:
        if field.label not in _METHOD_NAMES:
            continue
        for choice in field.choices:
            tokens = split_words(choice) if isinstance(choice, str) else ()
            verbs = [word for word in tokens if word in STRONG_VERBS] or [
                word for word in tokens if word in WEAK_VERBS
            ]
            if verbs:
                verb = verbs[0]
                tool_class = STRONG_VERBS.get(verb) or WEAK_VERBS[verb]
                signs.append(_Sign(tool_class, verb, f"schema:{field.path}={choice}"))
    return max(signs, key=lambda sign: _DANGER[sign.tool_class], default=None)


def _description_sign(definition: Definition) -> _Sign | None:
    """The verbs that the description begins with ("Creates and sends an invoice")."""
    text = _BOILERPLATE.sub("", definition.description, count=1)
    first = re.match(r"[A-Za-z]+", text)
    if first is None:
        return None
    spoken = [first[0]]
    compound = _COMPOUND.match(text)
    if compound is not None:
        spoken.append(compound[3])
    found: list[_Sign] = []
    for word in spoken:
        verb = _infinitive(word.lower())
        tool_class = STRONG_VERBS.get(verb) or WEAK_VERBS.get(verb)
        if tool_class is None:
            continue
        after = text[text.find(word) + len(word) :]
        if (
            tool_class is ToolClass.EXECUTE or verb in ("send", "perform", "make")
        ) and _FOLLOWED_BY_READ.match(after):
            tool_class = ToolClass.READ
        if tool_class is ToolClass.EXECUTE and _READ_ONLY.search(definition.description):
            tool_class = ToolClass.READ
        found.append(_Sign(tool_class, verb, f"description:{word.lower()}", verb in STRONG_VERBS))
    return max(found, key=lambda sign: _DANGER[sign.tool_class], default=None)


def _infinitive(word: str) -> str:
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
    return next((one for one in candidates if one in STRONG_VERBS or one in WEAK_VERBS), word)


def _description_counts(definition: Definition, name: _Sign | None, described: _Sign) -> bool:
    """Whether the description has a say: always where the name has no clear verb.

    Beside a clear verb it can only make things worse, and only by a clear verb of its own.
    """
    if name is None:
        return True
    if name.strong:
        return (
            name.tool_class is ToolClass.READ
            and described.strong
            and described.tool_class is not ToolClass.READ
            and described.verb
            not in ("execute", "run", "set", "load", "perform", "convert", "type")
        )
    return definition.object_head in READ_HEADS or (
        _DANGER[described.tool_class] > _DANGER[name.tool_class]
    )


def _raise(definition: Definition, sign: _Sign) -> _Sign | None:
    """What the object of the act, or an argument, makes of the verb."""
    nouns, verb, head = definition.nouns, sign.verb, definition.object_head
    command = _argument(definition, _CODE_NAMES if not sign.strong else _COMMAND_NAMES)
    if command is not None and sign.tool_class is not ToolClass.READ:
        return replace(sign, tool_class=ToolClass.EXECUTE, ground=f"schema:{command.path}")
    if sign.tool_class is ToolClass.READ:
        if command is None or sign.strong or _READ_ONLY.search(definition.description):
            return None
        return replace(sign, tool_class=ToolClass.EXECUTE, ground=f"schema:{command.path}")
    if sign.tool_class in (ToolClass.EXECUTE, ToolClass.ADMIN):
        return None
    if "draft" in nouns and verb not in REMOVING_VERBS and sign.tool_class is not ToolClass.SEND:
        return replace(sign, tool_class=ToolClass.DRAFT, ground="name:draft")
    administered = _administered(definition, sign)
    if administered:
        return replace(sign, tool_class=ToolClass.ADMIN, ground=administered)
    if sign.tool_class is not ToolClass.WRITE:
        return None
    if verb in MONEY_VERBS and nouns & MONEY_NOUNS and not _only_edits_goods(verb, nouns):
        noun = min(nouns & MONEY_NOUNS)
        return replace(sign, tool_class=ToolClass.SEND, verb="pay", ground=f"name:{verb} {noun}")
    if verb in CREATING_VERBS and head in MESSAGE_NOUNS and not nouns & {"pending", "template"}:
        sent = "comment" if head in EDITABLE_MESSAGE_NOUNS else "send"
        return replace(sign, tool_class=ToolClass.SEND, verb=sent, ground=f"name:{verb} {head}")
    if verb in ("add", "invite") and nouns & MEMBER_NOUNS and nouns & SOCIAL_PLACES:
        return replace(sign, tool_class=ToolClass.SEND, ground=f"name:{min(nouns & MEMBER_NOUNS)}")
    if verb not in REMOVING_VERBS:
        for field in definition.fields:
            if field.head in _PARTIES and "integer" not in field.types and nouns & _EVENTS:
                return replace(sign, tool_class=ToolClass.SEND, ground=f"schema:{field.path}")
    told = _TELLS_OTHERS.search(definition.description)
    if told is not None and not _NEGATED.search(definition.description[: told.start()]):
        return replace(sign, tool_class=ToolClass.SEND, ground=f"description:{told[0].lower()}")
    return None


def _only_edits_goods(verb: str, nouns: frozenset[str]) -> bool:
    """Changing an order or a booking is no payment; changing a payment is one."""
    kept = nouns & {"payment", "transaction", "transfer", "payout", "withdrawal"}
    return verb in ("update", "modify", "edit", "set") and not kept


def _administered(definition: Definition, sign: _Sign) -> str:
    """What administrators administer and the tool changes, or an empty string."""
    tokens = tuple(singular(word) for word in definition.words)
    nouns = definition.nouns - {sign.verb}
    for pair in pairwise(tokens):
        if pair in ADMIN_PHRASES:
            return f"name:{' '.join(pair)}"
    found = nouns & ADMIN_NOUNS
    if found and (sign.tool_class is ToolClass.WRITE or found - {"setting", "token", "scope"}):
        return f"name:{min(found)}"
    members = nouns & MEMBER_NOUNS
    if not members or nouns & SOCIAL_PLACES or nouns & DESCRIBING_NOUNS:
        return ""
    if sign.verb == "invite" and not nouns & _ORGANISATIONS:
        return ""
    if sign.verb in ("assign", "follow", "unfollow", "mute", "unmute", "block", "unblock"):
        return ""
    if sign.tool_class is ToolClass.SEND and sign.verb != "invite":
        return ""
    return f"name:{min(members)}"


def _argument(definition: Definition, names: frozenset[str]) -> Field | None:
    return next(
        (field for field in definition.fields if field.label in names and not field.choices), None
    )


def _reversible(definition: Definition, sign: _Sign) -> tuple[bool, str]:
    if sign.tool_class in (ToolClass.READ, ToolClass.DRAFT):
        return True, f"class:{sign.tool_class.value} leaves nothing to undo"
    if sign.tool_class is ToolClass.EXECUTE:
        return False, "class:execute can do anything"
    if definition.annotations.get("destructiveHint") is True:
        return False, "annotation:destructiveHint=true"
    for token in (sign.verb, *definition.words[:1]):
        if token in IRREVERSIBLE_VERBS:
            return False, f"verb:{token}"
    if "password" in definition.nouns:
        return False, "name:password"
    return True, f"verb:{sign.verb}" if sign.verb else sign.ground


def _egress(definition: Definition, sign: _Sign) -> tuple[bool, str]:
    if sign.tool_class in (ToolClass.SEND, ToolClass.EXECUTE):
        return True, f"class:{sign.tool_class.value}"
    address = next(
        (
            field
            for field in definition.fields
            if field.format in ("uri", "url", "iri", "hostname")
            or field.head in ("url", "uri", "hostname", "webhook", "endpoint", "link")
            or (field.head in ("domain", "host", "website", "site") and field.required)
        ),
        None,
    )
    if address is not None and not address.choices:
        return True, f"schema:{address.path}"
    if sign.tool_class is ToolClass.READ:
        web = definition.nouns & WEB_NOUNS - {sign.verb}
        if web and sign.verb in words("search fetch browse crawl scrape query read get visit find"):
            return True, f"name:{min(web)}"
        found = _WEB_TEXT.search(definition.description)
        if found is not None and sign.verb not in ("list", "count"):
            return True, f"description:{found[0].lower()}"
        return False, "class:read stays inside the server"
    if definition.annotations.get("openWorldHint") is True:
        return True, "annotation:openWorldHint=true"
    shared = definition.nouns & SHARED_NOUNS
    if shared and sign.tool_class is not ToolClass.DRAFT:
        return True, f"name:{min(shared)} is read by others"
    return False, f"class:{sign.tool_class.value} stays inside the server"
