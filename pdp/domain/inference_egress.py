"""Whether what a tool is given can reach somebody outside, guessed from its definition.

Every rule here is about English and JSON Schema, none about a particular server.
"""

from __future__ import annotations

import re

from pdp.domain.argument_words import HOLDS, PARTIES, RECIPIENTS
from pdp.domain.catalogue import ValueType
from pdp.domain.definition import Definition, Field
from pdp.domain.inference_signs import Sign
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import MESSAGE_NOUNS, REMOVING_VERBS, SHARED_NOUNS, WEB_NOUNS, words

_REACHING = words(
    "ping check resolve trace traceroute nslookup dig whois lookup scan probe poll test"
)
_MACHINES = words("host hostname domain ip site website server target address url")
_KEEPING = words("download export save dump screenshot snapshot record backup print render")
_KEPT_IN = words("path filename filepath dir directory folder dest destination outfile output")
_KEPT_WORDS = words("save output out dest destination target local download")
_ANSWERING = words("responder autoresponder autoreply signature vacation")
_ANSWERING_TEXT = re.compile(
    r"\bauto(?:matic)?[- ]?(?:repl(?:y|ies)|response|responder|answer)|\bout[- ]of[- ]office\b"
    r"|\baway message\b|\bvacation (?:message|reply|responder)\b",
    re.IGNORECASE,
)
_WORDING = words("body text message content subject html markdown caption comment")
_REWORDING = words("edit update change modify replace rewrite reword amend append patch")
#: Who is named so sees what there is, or is told of it.
_LET_IN = words("member participant watcher subscriber follower collaborator viewer invitee")
_POSTED = re.compile(
    r"\bposts? (?:it |this |an? \w+ )?(?:to|in|into|on) (?:the|an?|your|its) (?:\S+ ){0,2}"
    r"(?:channel|room|chat|feed|timeline|wall|board|forum)\b",
    re.IGNORECASE,
)
#: "Attendees get an update", "Subscribers will be notified"
_TOLD = re.compile(
    r"\b(?:attendees|participants|guests|invitees|recipients|customers?|subscribers|requesters?"
    r"|watchers|assignees?|followers|applicants?|passengers|tenants|patients?)"
    r" (?:will |then |also |each )*"
    r"(?:gets?|receives?|(?:is|are|be) (?:sent|told|notified|informed|alerted|e-?mailed))\b",
    re.IGNORECASE,
)
_NOTED = words("note remark annotation memo worklog")
_FOR_INSIDERS = re.compile(
    r"\binternal(?:ly)?(?: use)? only\b|\binternal (?:notes?|remarks?|memos?)\b"
    r"|\b(?:for|by|to) (?:the )?(?:staff|team|agents|colleagues|employees)(?: members)? only\b"
    r"|\bonly (?:visible|shown)? ?(?:for|by|to) (?:the )?(?:staff|team|agents|colleagues|you)\b"
    r"|\b(?:staff|agents|employees)[- ]only\b"
    r"|\b(?:not|never) (?:visible|shown|sent) to (?:the )?(?:customer|client|public|requester)",
    re.IGNORECASE,
)
#: A flag or choice with one of these lets others than insiders see it.
_SHOWING = words(
    "internal public private visible visibility external customer audience shared type"
)
_TELLING = words("send email mail message notify remind text sms alert nudge ping dm")
_ONESELF = words("me myself self yourself oneself")
_ONESELF_TEXT = re.compile(
    r"\b(?:to|for) (?:yourself|myself|oneself|your own (?:inbox|mailbox|address|account|phone))\b"
    r"|\b(?:sends?|e-?mails?|reminds?|notify|notifies|texts?|messages?) (?:yourself|me|myself)\b",
    re.IGNORECASE,
)
_AND_OTHERS = re.compile(
    r"\b(?:others|every(?:one|body)|any(?:one|body)|some(?:one|body)|customers?|clients?|team|guests?"
    r"|participants?|attendees?|recipients?|subscribers?|colleagues?|members?|public|followers?)\b",
    re.IGNORECASE,
)
#: The end of the ground of a read that leaves somewhere what it read.
KEPT = " is written to"
#: The ground of what is sent and reaches nobody else.
ONESELF_GROUND = "sent to oneself, and no argument names anybody"
_OTHERS = (
    ValueType.PERSON, ValueType.EMAIL, ValueType.PHONE, ValueType.CHANNEL, ValueType.URL,
    ValueType.ACCOUNT, ValueType.DOMAIN,
)  # fmt: skip
_ABOUT_MESSAGES = words(
    "template label folder filter rule flag setting preference tag draft pending history status "
    "count attachment list account address notification"
)
_WEB_TEXT = re.compile(
    r"\b(?:search(?:es)?|brows\w+|quer\w+|crawl\w*|results? from|content from)\b[^.]{0,40}"
    r"\b(?:the web|the internet|web search|online|google|bing|brave|duckduckgo|world wide web|"
    r"web ?(?:pages?|sites?))|\bweb search\b|\b(?:at|from|with|of) (?:third[- ]party|external"
    r"|outside|\S+-intelligence) (?:\S+ )?(?:services?|providers?|apis?|databases?|sources?)\b"
    r"|\binternet search\b",
    re.IGNORECASE,
)


def egress(definition: Definition, sign: Sign) -> tuple[bool, str]:
    """Whether what goes in can reach somebody outside, and what that rests on."""
    if sign.tool_class in (ToolClass.SEND, ToolClass.EXECUTE):
        return True, f"class:{sign.tool_class.value}"
    reached = address(definition)
    if reached is not None:
        return True, f"schema:{reached.path}"
    if sign.tool_class is ToolClass.READ:
        web = definition.nouns & WEB_NOUNS - {sign.verb}
        if web and sign.verb in words("search fetch browse crawl scrape query read get visit find"):
            return True, f"name:{min(web)}"
        if sign.verb == "enrich":
            return True, "verb:enrich asks others about its argument"
        found = _WEB_TEXT.search(definition.description)
        if found is not None and sign.verb not in ("list", "count"):
            return True, f"description:{found[0].lower()}"
        reached = _reached(definition, sign)
        if reached is not None:
            return True, f"schema:{reached.path} is asked"
        kept = _kept_at(definition, sign)
        if kept is not None:
            # Where it writes what it read is a choice as of any effect.
            return True, f"schema:{kept.path}{KEPT}"
        return False, "class:read stays inside the server"
    if sign.ground == ONESELF_GROUND:
        return False, ONESELF_GROUND
    browsed = definition.nouns & {"browser", "web", "webpage"}
    if browsed and sign.tool_class is ToolClass.WRITE:
        return True, f"name:{min(browsed)}"
    if sign.verb in ("push", "mirror", "syndicate"):
        return True, f"verb:{sign.verb}"
    if definition.annotations.get("openWorldHint") is True:
        return True, "annotation:openWorldHint=true"
    shared = definition.nouns & SHARED_NOUNS
    if not shared and any(field.head in ("repo", "repository") for field in definition.fields):
        shared = frozenset({"repository"})
    if sign.tool_class is ToolClass.WRITE and sign.verb not in REMOVING_VERBS:
        told = _tells_later(definition)
        if told:
            return True, told
    if sign.tool_class is ToolClass.WRITE and _is_for_insiders(definition):
        return False, "description: for insiders only"
    # Taking something away carries nothing to those who read there.
    if shared and sign.tool_class is ToolClass.WRITE and sign.verb not in REMOVING_VERBS:
        return True, f"name:{min(shared)} is read by others"
    return False, f"class:{sign.tool_class.value} stays inside the server"


def _tells_later(definition: Definition) -> str:
    """Why what is written reaches others although nothing is sent: edits of messages, auto-replies.

    Empty where it does not.
    """
    nouns = definition.nouns
    if nouns & _ANSWERING or ("auto" in nouns and nouns & {"reply", "response"}):
        return (
            f"name:{min(nouns & (_ANSWERING | {'reply', 'response'}))} goes out with what follows"
        )
    answering = _ANSWERING_TEXT.search(definition.description)
    if answering is not None:
        return f"description:{answering[0].lower()} goes out with what follows"
    worded = any(field.head in _WORDING for field in definition.fields)
    if worded and nouns & MESSAGE_NOUNS and not nouns & _ABOUT_MESSAGES:
        return f"name:{min(nouns & MESSAGE_NOUNS)} is read by others"
    named = {word for field in definition.fields if field.head == "id" for word in field.words}
    if worded and nouns & _REWORDING and named & MESSAGE_NOUNS and not nouns & _ABOUT_MESSAGES:
        return f"schema:{min(named & MESSAGE_NOUNS)} is read by others"
    for field in definition.fields:
        if field.head in _LET_IN and not field.is_numeric and not field.choices:
            return f"schema:{field.path} is told or let in"
    informed = _TOLD.search(definition.description)
    if informed is not None and worded:
        return f"description:{informed[0].lower()}"
    posted = _POSTED.search(definition.description)
    if posted is not None:
        return f"description:{posted[0].lower()}"
    for field in definition.fields:
        place = next((word for word in reversed(field.words) if word != "id"), "")
        if place in ("channel", "chat", "conversation", "room") and not field.choices:
            return f"schema:{field.path} is read by others"
    return ""


def is_to_oneself(definition: Definition, verb: str) -> bool:
    """Whether a message goes to nobody but the one for whom it is sent ("email_me")."""
    if verb not in _TELLING or definition.nouns & SHARED_NOUNS:
        return False
    if not definition.nouns & _ONESELF and not _ONESELF_TEXT.search(definition.description):
        return False
    if _AND_OTHERS.search(definition.description):
        return False
    return not any(
        word in RECIPIENTS | PARTIES or HOLDS.get(word) in _OTHERS
        for field in definition.fields
        if field.types != {"boolean"} and not field.choices
        for word in field.words
    )


def _is_for_insiders(definition: Definition) -> bool:
    """Whether a note stays with those who keep it, and nothing can show it to others."""
    if not definition.nouns & _NOTED or not _FOR_INSIDERS.search(definition.description):
        return False
    return not any(_SHOWING & set(field.words) for field in definition.fields)


def _reached(definition: Definition, sign: Sign) -> Field | None:
    """The machine that a read asks over the network ("ping", "check_website")."""
    if sign.verb not in _REACHING:
        return None
    return next(
        (
            field
            for field in definition.fields
            if not field.choices and (field.head in _MACHINES or field.format in ("ipv4", "ipv6"))
        ),
        None,
    )


def _kept_at(definition: Definition, sign: Sign) -> Field | None:
    """Where a download leaves what it read."""
    if sign.verb not in _KEEPING:
        return None
    sources = [field for field in definition.fields if field.head not in _KEPT_IN]
    return next(
        (
            field
            for field in definition.fields
            if field.head in _KEPT_IN
            and not field.choices
            and (sources or not _KEPT_WORDS.isdisjoint(field.words))
        ),
        None,
    )


def address(definition: Definition) -> Field | None:
    """The argument that says which machine is reached, if there is one."""
    return next(
        (
            field
            for field in definition.fields
            if not field.choices
            and (
                field.format in ("uri", "url", "iri", "hostname")
                or field.head in ("url", "uri", "hostname", "webhook", "endpoint", "link")
                or (field.head in ("domain", "host", "website", "site") and field.required)
            )
        ),
        None,
    )
