"""What a tool does, guessed from its definition: class, reversibility, and whether data goes out.

Every rule here is about English and JSON Schema, none about a particular server. Where signs
contradict each other the more dangerous one is taken and the contradiction is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from pdp.domain.definition import Definition, Field, singular, split_words
from pdp.domain.inference_egress import ONESELF_GROUND, address, egress, is_to_oneself
from pdp.domain.inference_signs import (
    DANGER,
    READ_ONLY,
    Sign,
    description_counts,
    description_sign,
    method_sign,
    name_sign,
)
from pdp.domain.inference_things import thing_sign
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
    NOUNS_TOO,
    OPENING_WORDS,
    READ_HEADS,
    REMOVING_VERBS,
    SOCIAL_PLACES,
    WEAK_VERBS,
    words,
)

_ORGANISATIONS = words(
    "organization organisation org workspace tenant project repository repo team"
)
_SETTING_VERBS = words("set update change edit modify manage enable adjust")
_PARTIES = words("attendee participant invitee guest")
_EVENTS = words("event meeting appointment invite calendar")
_DATABASES = words("database db sqlite postgres postgresql mysql bigquery snowflake warehouse")
_STATEMENT = re.compile(
    r"\b(?:sql|cypher|insert|update|delete) (?:quer(?:y|ies)|statements?|commands?)\b"
    r"|\b(?:runs?|executes?) (?:\S+ ){0,2}(?:sql|cypher|insert|update|delete)\b",
    re.IGNORECASE,
)
#: Only looks, though it runs what it is given: what is read, and that nothing else is possible.
_ONLY_READS = re.compile(
    r"\bread[- ]?only\b|\bonly (?:select|read)\w*|\bselects? only\b"
    r"|\b(?:no|rejects?|refuses?|blocks?) (?:writes?|writing|changes|modif\w+|insert|update)"
    r"|\b(?:cannot|can't|does not|doesn't|never) (?:write|change|modif)",
    re.IGNORECASE,
)
_UNLIKE = re.compile(r"\b(?:not|non|isn't|unlike|no longer)[ -](?:\S+ ){0,2}$", re.IGNORECASE)
#: The ground of a class that rests on the server's word alone.
READ_ONLY_GROUND = "says of itself that it only reads"
_STATEMENTS = words("query sql statement select cypher promql graphql soql kql")
#: A standing order that is changed or ended moves no money yet.
_KEEPING_MONEY = (REMOVING_VERBS | words("update modify edit change set adjust")) - {"move"}
_CHARGES = re.compile(
    r"\b(?:charges?|debits?) (?:the|your|an?|their|its) (?:\S+ ){0,2}"
    r"(?:card|account|wallet|customer|payment method)\b"
    r"|\b(?:card|account|wallet|customer|payment method)(?: on file)? (?:is|are|will be|gets?)"
    r" (?:\S+ )?(?:charged|debited)\b",
    re.IGNORECASE,
)
_ELEMENTS = words("selector xpath element locator")
_ACCOUNTS = words("iban bic payee beneficiary creditor wallet")
_ACCOUNT_ENDS = words(
    "from_account to_account source_account destination_account target_account from_account_id "
    "to_account_id account_number source_account_id destination_account_id"
)
_FORWARDED = re.compile(r"\b(?:auto-?)?(?:forward|redirect)(?:s|ed|ing)?\b", re.IGNORECASE)
_MAKING_LINKS = words("get obtain fetch retrieve see")
_COMMAND_NAMES = words("command cmd shell_command script bash powershell sql statement cypher")
_CODE_NAMES = words("command cmd script code sql statement shell_command cypher expression program")

#: That others are sent something: said of the tool, or of what happens ("an invitation is sent").
_TELLS_OTHERS = re.compile(
    r"(?:\b(?:sends?|notif(?:y|ies)|invites?|sending|emailing|mailing|notifying)\b"
    r"|(?:^|[,;.:] ?|\b(?:and|also|then|it|which|that|will|to) )e?-?mails?\b)[^.]{0,60}"
    r"\b(?:e-?mails?|notifications?|invitations?|invites?|messages?|participants?|attendees?|"
    r"recipients?|guests?|invitees?|subscribers?|customers?|clients?|assignees?)\b"
    r"|\b(?:e-?mails?|mails?|messages?|letters?|invitations?|invites?|sms) (?:is|are|will be|gets?)"
    r" (?:then |also |automatically )?(?:sent|mailed|e-?mailed|delivered|posted)\b"
    r"|\b(?:gets?|receives?) (?:an? |the )?(?:\S+ )?"
    r"(?:e-?mail|mail|invitation|invite|sms|letter)\b",
    re.IGNORECASE,
)
_TO_ANYBODY = re.compile(
    r"\bpublicly (?:accessible|visible|available|readable)|\b(?:anyone|anybody|everyone) "
    r"(?:with|can|who|to|view|read|access|download)|\b(?:for|to|by) (?:anyone|anybody|everyone)\b",
    re.IGNORECASE,
)
_GUARDED = re.compile(
    r"\b(?:security|permissions?|privileges?|access to|access control|admin(?:istrator)?s?) ?\w*",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|without|never|no|n't|doesn't|don't)\b[^.]{0,40}$", re.IGNORECASE)


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
    def has_effect(self) -> bool:
        """Whether a call changes something, or carries something out."""
        return self.tool_class.has_effect or self.egress

    @property
    def creates(self) -> bool:
        """Whether the tool brings something new into being."""
        return self.verb in CREATING_VERBS


def infer_effect(definition: Definition) -> Effect:
    """Weigh the name, the description, a method argument and the server's annotations."""
    sign, grounds, warnings = _weigh(definition)
    if sign is None:
        return Effect(ToolClass.ADMIN, (), "", False, (), True, (), warnings)
    raised = _raise(definition, sign)
    if raised is not None and DANGER[raised.tool_class] != DANGER[sign.tool_class]:
        sign, grounds = raised, (*grounds, raised.ground)
    reversible, why_reversible = _reversible(definition, sign)
    goes_out, why_egress = egress(definition, sign)
    return Effect(
        sign.tool_class,
        grounds,
        sign.verb,
        reversible,
        (why_reversible,),
        goes_out,
        (why_egress,),
        warnings,
    )


def _weigh(definition: Definition) -> tuple[Sign | None, tuple[str, ...], tuple[str, ...]]:
    """The sign that decides, the grounds for it, and where signs contradict each other."""
    name = name_sign(definition)
    method = method_sign(definition)
    described = description_sign(definition)
    signs = [sign for sign in (name, method) if sign is not None]
    if described is not None and description_counts(definition, name, described):
        if name is not None and not name.strong and definition.object_head in READ_HEADS:
            signs.remove(name)
        signs.append(described)
    read_only = definition.annotations.get("readOnlyHint")
    destructive = definition.annotations.get("destructiveHint")
    if not signs:
        signs += [sign for sign in (thing_sign(definition),) if sign is not None]
    worst = max(signs, key=lambda sign: DANGER[sign.tool_class], default=None)
    grounds = tuple(sign.ground for sign in signs)
    if read_only is True:
        hint = "annotation:readOnlyHint=true"
        effectful = worst is not None and worst.tool_class is not ToolClass.READ
        if worst is None or not effectful:
            return (worst or Sign(ToolClass.READ, "", hint)), (hint, *grounds), ()
        if not worst.strong and worst is not method:
            return Sign(ToolClass.READ, worst.verb, hint), (hint,), ()
        warning = f"{hint} contradicts {worst.ground}; the worse was taken"
        return worst, (*grounds, warning), (warning,)
    if read_only is False or destructive is True:
        hint = f"annotation:readOnlyHint={str(read_only).lower()}"
        if read_only is not False:
            hint = "annotation:destructiveHint=true"
        if worst is None:
            return Sign(ToolClass.WRITE, "", hint), (hint,), ()
        if worst.tool_class is ToolClass.READ:
            warning = f"{hint} contradicts {worst.ground}; the worse was taken"
            return Sign(ToolClass.WRITE, worst.verb, hint), (hint, warning), (warning,)
        return worst, (*grounds, hint), ()
    return worst, grounds, ()


def _raise(definition: Definition, sign: Sign) -> Sign | None:
    """What the object of the act, or an argument, makes of the verb."""
    nouns, verb, head = definition.nouns, sign.verb, definition.object_head
    if sign.tool_class is ToolClass.EXECUTE and _only_reads(definition):
        return replace(sign, tool_class=ToolClass.READ, verb="query", ground=READ_ONLY_GROUND)
    command = _argument(definition, _CODE_NAMES if not sign.strong else _COMMAND_NAMES)
    if command is None and _takes_statements(definition, sign):
        command = _argument(definition, frozenset({"query", "migration"}))
    if command is not None and sign.tool_class is not ToolClass.READ:
        return replace(sign, tool_class=ToolClass.EXECUTE, ground=f"schema:{command.path}")
    located = any(field.head in _ELEMENTS for field in definition.fields)
    if sign.tool_class is ToolClass.READ and verb == "select" and located:
        return replace(sign, tool_class=ToolClass.WRITE, ground="name:select in a page")
    if sign.tool_class is ToolClass.READ:
        why = _opens_a_link(definition, sign)
        if why:
            return replace(sign, tool_class=ToolClass.SEND, verb="share", ground=why)
        if command is None or sign.strong or READ_ONLY.search(definition.description):
            return None
        return replace(sign, tool_class=ToolClass.EXECUTE, ground=f"schema:{command.path}")
    required = frozenset(field.head for field in definition.fields if field.required)
    if verb == "kick" and (nouns | required) & SOCIAL_PLACES:
        # As "remove_member_from_room": out of one place, not off the server.
        return replace(sign, tool_class=ToolClass.WRITE, verb="remove", ground="name:kick")
    if sign.tool_class in (ToolClass.EXECUTE, ToolClass.ADMIN):
        return None
    drafts = "draft" in nouns and head not in ("state", "status", "mode", "flag")
    if drafts and verb not in REMOVING_VERBS and sign.tool_class is not ToolClass.SEND:
        return replace(sign, tool_class=ToolClass.DRAFT, ground="name:draft")
    administered = _administered(definition, sign)
    if administered:
        return replace(sign, tool_class=ToolClass.ADMIN, ground=administered)
    if sign.tool_class is ToolClass.SEND and is_to_oneself(definition, verb):
        return replace(sign, tool_class=ToolClass.WRITE, ground=ONESELF_GROUND)
    if sign.tool_class is not ToolClass.WRITE:
        return None
    if verb in MONEY_VERBS and nouns & MONEY_NOUNS and not _only_edits_goods(verb, nouns):
        noun = min(nouns & MONEY_NOUNS)
        return replace(sign, tool_class=ToolClass.SEND, verb="pay", ground=f"name:{verb} {noun}")
    if verb not in _KEEPING_MONEY and _moves_money(definition):
        return replace(sign, tool_class=ToolClass.SEND, verb="pay", ground="schema:amount, account")
    charged = _CHARGES.search(definition.description)
    if charged is not None and _NEGATED.search(definition.description[: charged.start()]):
        charged = None
    if charged is not None and verb not in _KEEPING_MONEY | {"cancel"}:
        ground = f"description:{charged[0].lower()}"
        return replace(sign, tool_class=ToolClass.SEND, verb="pay", ground=ground)
    if verb in CREATING_VERBS and head in MESSAGE_NOUNS and not nouns & {"pending", "template"}:
        sent = "comment" if head in EDITABLE_MESSAGE_NOUNS else "send"
        return replace(sign, tool_class=ToolClass.SEND, verb=sent, ground=f"name:{verb} {head}")
    added = nouns | required
    if verb in ("add", "invite") and added & MEMBER_NOUNS and nouns & SOCIAL_PLACES:
        return replace(sign, tool_class=ToolClass.SEND, ground=f"name:{min(added & MEMBER_NOUNS)}")
    if verb in CREATING_VERBS and head in ("call", "charge"):
        return replace(sign, tool_class=ToolClass.SEND, verb=head, ground=f"name:{verb} {head}")
    shares = "sharing" in nouns or ("share" in nouns and verb in CREATING_VERBS | _SETTING_VERBS)
    if shares and verb not in REMOVING_VERBS:
        return replace(sign, tool_class=ToolClass.SEND, verb="share", ground="name:sharing")
    opened = nouns & OPENING_WORDS
    if opened and verb not in REMOVING_VERBS and (nouns & {"link", "url"} or "public" in nouns):
        return replace(sign, tool_class=ToolClass.SEND, verb="share", ground=f"name:{min(opened)}")
    if verb not in REMOVING_VERBS and _is_about_events(definition):
        for field in definition.fields:
            invited = {singular(word) for word in split_words(field.path)}
            if verb == "add":
                invited |= nouns
            if invited & _PARTIES and field.head != "id" and "integer" not in field.types:
                return replace(sign, tool_class=ToolClass.SEND, ground=f"schema:{field.path}")
    anybody = _TO_ANYBODY.search(definition.description)
    if anybody is not None and verb not in REMOVING_VERBS:
        return replace(sign, tool_class=ToolClass.SEND, ground=f"description:{anybody[0].lower()}")
    told = _TELLS_OTHERS.search(definition.description)
    if told is not None and not _NEGATED.search(definition.description[: told.start()]):
        return replace(sign, tool_class=ToolClass.SEND, ground=f"description:{told[0].lower()}")
    return None


def _only_reads(definition: Definition) -> bool:
    """Whether what is run is a query that the server lets only read."""
    if definition.nouns.isdisjoint(_STATEMENTS):
        return False
    named = definition.nouns >= {"read", "only"} or not definition.nouns.isdisjoint(
        ("readonly", "select")
    )
    said = _ONLY_READS.search(definition.description)
    if said is not None and _UNLIKE.search(definition.description[: said.start()]):
        return False
    other = _argument(definition, _COMMAND_NAMES - _STATEMENTS)
    return other is None and (named or said is not None)


def _moves_money(definition: Definition) -> bool:
    """Whether an amount and the account that it goes to or comes from are arguments."""
    heads = {field.head for field in definition.fields}
    labels = {field.label for field in definition.fields}
    return "amount" in heads and bool(heads & _ACCOUNTS or labels & _ACCOUNT_ENDS)


def _takes_statements(definition: Definition, sign: Sign) -> bool:
    """Whether a `query` is a statement that can do anything, and no words to search for."""
    if definition.nouns & {"migration", "sql"} or _STATEMENT.search(definition.description):
        return True
    if sign.tool_class is ToolClass.READ:
        return sign.verb == "query" and bool(definition.nouns & _DATABASES)
    return definition.object_head == "query" and sign.verb in ("write", "update", "modify", "alter")


def _opens_a_link(definition: Definition, sign: Sign) -> str:
    """Why a tool that seems to look opens something to whoever holds a link; empty if it does not.

    "get_shareable_link" makes one; "list_shared_links" shows those that there are.
    """
    opened = definition.nouns & OPENING_WORDS | definition.nouns & {"share"}
    if opened and definition.words[-1] in ("link", "url") and sign.verb in _MAKING_LINKS:
        return f"name:{min(opened)} {definition.words[-1]}"
    flags = (field for field in definition.fields if field.types == {"boolean"})
    opening = (field for field in flags if _TO_ANYBODY.search(" ".join(field.words)))
    return next((f"schema:{field.path}" for field in opening), "")


def _is_about_events(definition: Definition) -> bool:
    return bool(definition.nouns & _EVENTS) or any(
        _EVENTS.intersection(field.words) for field in definition.fields
    )


def _only_edits_goods(verb: str, nouns: frozenset[str]) -> bool:
    """Changing an order or a booking is no payment; changing a payment is one."""
    kept = nouns & {"payment", "transaction", "transfer", "payout", "withdrawal"}
    return verb in ("update", "modify", "edit", "set") and not kept


def _administered(definition: Definition, sign: Sign) -> str:
    """What administrators administer and the tool changes, or an empty string."""
    tokens = tuple(singular(word) for word in definition.words)
    nouns = definition.nouns - {sign.verb}
    for pair in pairwise(tokens):
        if pair in ADMIN_PHRASES:
            return f"name:{' '.join(pair)}"
    if nouns & {"rule", "filter"} and sign.verb not in REMOVING_VERBS:
        # What comes in from then on goes somewhere else, unseen.
        named = " ".join(word for field in definition.fields for word in field.words)
        forwarded = _FORWARDED.search(f"{definition.description} {named}")
        if forwarded is not None:
            return f"name:rule, {forwarded[0].lower()}"
    found = nouns & ADMIN_NOUNS
    if found and (sign.tool_class is ToolClass.WRITE or found - {"setting", "token", "scope"}):
        return f"name:{min(found)}"
    members = nouns & MEMBER_NOUNS
    if not members or nouns & DESCRIBING_NOUNS:
        return ""
    guarded = _GUARDED.search(definition.description)
    if nouns & SOCIAL_PLACES:
        given = sign.verb in ("add", "invite") and guarded is not None
        return f"description:{guarded[0].lower()}" if given and guarded else ""
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


def _reversible(definition: Definition, sign: Sign) -> tuple[bool, str]:
    if sign.tool_class in (ToolClass.READ, ToolClass.DRAFT):
        return True, f"class:{sign.tool_class.value} leaves nothing to undo"
    if sign.ground == ONESELF_GROUND:
        return True, ONESELF_GROUND
    if sign.tool_class is ToolClass.EXECUTE:
        return False, "class:execute can do anything"
    if definition.annotations.get("destructiveHint") is True:
        return False, "annotation:destructiveHint=true"
    said = definition.words if sign.tool_class is ToolClass.SEND else definition.words[:1]
    if sign.tool_class is not ToolClass.SEND and said and said[0] != sign.verb:
        # "order_rate" orders nothing.
        said = tuple(word for word in said if word not in NOUNS_TOO | WEAK_VERBS.keys())
    if sign.verb == "comment":
        said = ()
    for token in (sign.verb, *(said if not sign.strong else definition.words[:1])):
        if token in IRREVERSIBLE_VERBS:
            return False, f"verb:{token}"
    if sign.tool_class is ToolClass.SEND and address(definition) is not None:
        return False, "class:send to an address"
    if "password" in definition.nouns:
        return False, "name:password"
    return True, f"verb:{sign.verb}" if sign.verb else sign.ground
