"""The words by which goals ask for acts, and tools say which act they are. Data only.

English verbs that are not listed here mean what `vocabulary` says of their class (a writing verb
changes something, a sending one sends). Other languages are listed with the forms people ask in.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    CREATING_VERBS,
    PHRASAL_VERBS,
    STRONG_VERBS,
    WEAK_VERBS,
    words,
)


class Act(StrEnum):
    """What a goal can ask for and a tool can do."""

    LOOK = "look"
    SEND = "send"
    REPLY = "reply"
    FORWARD = "forward"
    POST = "post"
    SHARE = "share"
    INVITE = "invite"
    PAY = "pay"
    BUY = "buy"
    BOOK = "book"
    SCHEDULE = "schedule"
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    CANCEL = "cancel"
    CLOSE = "close"
    MERGE = "merge"
    APPROVE = "approve"
    RUN = "run"
    GRANT = "grant"
    REVOKE = "revoke"


Acts = frozenset[Act]


def _acts(text: str) -> Acts:
    return frozenset(Act(word) for word in text.split())


def acts_table(lines: Mapping[str, str]) -> dict[str, Acts]:
    """Words by act(s) to acts by word; a word of several lines means all of them."""
    found: dict[str, Acts] = {}
    for acts, listed in lines.items():
        for word in listed.split():
            found[word] = found.get(word, frozenset()) | _acts(acts)
    return found


_CLASS_ACTS: Final = {
    ToolClass.READ: Act.LOOK,
    ToolClass.DRAFT: Act.CREATE,
    ToolClass.WRITE: Act.CHANGE,
    ToolClass.SEND: Act.SEND,
    ToolClass.EXECUTE: Act.RUN,
    ToolClass.ADMIN: Act.GRANT,
}

_LISTED: Final = acts_table(
    {
        "send": "email e-mail mail message text sms dm tell inform notify contact ping phone call "
        "remind alert brief thank congratulate apologize apologise greet cc bcc page buzz nudge "
        "poke warn apprise telephone ring welcome reassure",
        "reply": "reply respond answer",
        "send change": "escalate refer",
        "forward": "forward relay redirect",
        "post": "post publish tweet retweet comment announce broadcast crosspost review blog",
        "post run change": "release",
        "post create": "submit upload",
        "share": "share unlock expose disclose",
        "invite": "invite rsvp",
        "invite create": "enrol enroll onboard",
        "pay": "pay repay wire remit donate refund reimburse compensate settle transfer tip "
        "withdraw deposit lend prepay contribute charge credit remunerate recompense",
        "buy": "buy purchase order rent hire sell trade acquire procure reorder preorder restock "
        "bid",
        "book": "book reserve rebook",
        "schedule": "schedule arrange organize organise plan slot pencil diarise diarize",
        "schedule change": "reschedule postpone",
        "create": "create make generate draft compose save record insert register build "
        "duplicate clone fork copy append log note document open file raise store new produce "
        "prepare establish import export attach jot sketch author capture spawn",
        "create change invite": "add",
        "create change": "put enter include fill write",
        "change close": "mark complete finish archive",
        "delete": "delete remove destroy drop purge truncate wipe erase empty clear discard trash "
        "rm rmdir uninstall bin ditch scrap axe nix chuck dump junk shred nuke zap expunge cull "
        "unpublish retract",
        "delete revoke": "remove kick evict expel oust",
        "cancel": "cancel void annul rescind discontinue",
        "cancel run": "stop terminate kill abort",
        "close": "close resolve dismiss conclude",
        "merge": "merge",
        "approve": "approve accept decline reject confirm acknowledge sign vote endorse ratify "
        "okay greenlight countersign",
        "run": "run execute start launch deploy install test compile restart rerun reboot invoke "
        "trigger provision rollback benchmark retrigger bounce redeploy failover",
        "create send": "bill invoice",
        "change run": "fix implement refactor debug patch configure repair migrate upgrade build",
        "grant": "grant authorize authorise promote elevate whitelist allowlist",
        "grant share": "permit",
        "revoke": "revoke ban suspend demote unshare deauthorize offboard disinvite uninvite",
        "revoke schedule create": "block",
        "change": "adjust correct increase decrease raise lower extend shorten reduce modify alter "
        "amend rework improve polish tweak swap convert rename shift sort relocate "
        "apply revise rewrite tidy exchange replace substitute switch flip bump edit scale tune "
        "rotate reorganise reorganize retitle reword rephrase reassign rearrange",
    }
)

#: Verbs that ask for nothing but looking and thinking, whatever a tool of that name would do.
_LOOKING: Final = words(
    "find show look check read search summarize summarise list get fetch explain analyze "
    "analyse compare count describe review verify investigate research identify determine suggest "
    "recommend give help let use take go come see know think decide figure work choose pick sum "
    "tally recap skim digest cite assess"
)


def verb_acts(verb: str) -> Acts:
    """What a verb in its base form asks for or does; empty where it is no verb that is known."""
    listed = _LISTED.get(verb)
    if listed is not None:
        return listed
    if verb in _LOOKING:
        return frozenset({Act.LOOK})
    tool_class = STRONG_VERBS.get(verb) or WEAK_VERBS.get(verb)
    if tool_class is None:
        return frozenset()
    if verb in CREATING_VERBS:
        return frozenset({Act.CREATE})
    return frozenset({_CLASS_ACTS[tool_class]})


def phrasal_acts(first: str, second: str) -> Acts:
    """What a verb of two words does where `vocabulary` knows it."""
    found = PHRASAL_VERBS.get((first, second))
    return frozenset() if found is None else verb_acts(found[0]) or frozenset(
        {_CLASS_ACTS[found[1]]}
    )  # fmt: skip


#: What a goal that asks for the left also covers: the ways in which servers offer that act.
COVERS: Final[dict[Act, Acts]] = {
    Act.LOOK: _acts("look"),
    Act.SEND: _acts("send reply forward post"),
    Act.REPLY: _acts("reply send post"),
    Act.FORWARD: _acts("forward send"),
    Act.POST: _acts("post send create"),
    Act.SHARE: _acts("share send invite grant post"),
    Act.INVITE: _acts("invite share send schedule change"),
    Act.PAY: _acts("pay buy"),
    Act.BUY: _acts("buy pay book"),
    Act.BOOK: _acts("book buy schedule create"),
    Act.SCHEDULE: _acts("schedule create book invite change"),
    Act.CREATE: _acts("create change schedule post invite"),
    Act.CHANGE: _acts("change create schedule invite"),
    Act.DELETE: _acts("delete cancel change revoke"),
    Act.CANCEL: _acts("cancel delete change"),
    Act.CLOSE: _acts("close change"),
    Act.MERGE: _acts("merge"),
    Act.APPROVE: _acts("approve change send"),
    Act.RUN: _acts("run"),
    Act.GRANT: _acts("grant share invite change"),
    Act.REVOKE: _acts("revoke delete change"),
}

#: What stands so close to an act that nobody can be sure the goal did not mean it as well. Changing
#: and creating what can be changed back is often a step towards something else.
NEAR: Final[dict[Act, Acts]] = {
    act: _acts(f"{act} change create {more}")
    for act, more in {
        Act.SEND: "share invite",
        Act.REPLY: "forward share",
        Act.FORWARD: "share",
        Act.POST: "share",
        Act.SHARE: "",
        Act.INVITE: "grant",
        Act.PAY: "schedule",
        Act.BUY: "schedule",
        Act.BOOK: "pay",
        Act.SCHEDULE: "send cancel",
        Act.CREATE: "book share",
        Act.CHANGE: "cancel approve close post",
        Act.DELETE: "close",
        Act.CANCEL: "revoke pay close",
        Act.CLOSE: "approve post reply",
        Act.MERGE: "close",
        Act.APPROVE: "close merge reply post invite",
        Act.RUN: "cancel",
        Act.GRANT: "send",
        Act.REVOKE: "cancel close",
    }.items()
}

#: Steps that doing what a verb says often takes, by its base form; a person has to confirm them.
IMPLIED: Final = acts_table(
    {
        "delete cancel create change": "replace swap exchange substitute trade switch move rebook",
        "pay send": "return exchange",
        "buy pay book": "upgrade renew extend subscribe join register enrol enroll prolong",
        "pay": "move split",
        "run create delete": "fix repair restore recover reset migrate",
        "merge run": "deploy ship release publish land",
        "send close merge": "finish finalise finalize complete submit",
        "cancel delete revoke": "end stop close disable deactivate suspend lock block drop leave",
        "grant": "enable activate unlock assign hand appoint",
        "post create send": "report escalate request raise flag",
        "invite cancel": "accept decline confirm reject",
    }
)

#: Everything that can be asked for but looking.
EFFECTS: Final[Acts] = frozenset(Act) - {Act.LOOK}

#: A tool that does one of these needs it to be asked for, whatever else it also does.
GRAVE: Final = _acts("pay buy delete cancel merge run grant revoke")

#: Verbs that say little by themselves: with one of these nouns they ask for what the noun says.
LIGHT_VERBS: Final = words(
    "make do place issue give have leave set put perform initiate process get arrange schedule "
    "create add write drop shoot submit file open raise record want need like send return request "
    "organize organise fill"
)
NOUN_ACTS: Final = acts_table(
    {
        "pay": "payment transfer transaction refund donation reimbursement deposit withdrawal "
        "remittance payout",
        "buy": "order purchase",
        "book": "reservation booking",
        "send": "message email e-mail mail call note reply text notification letter dm sms",
        "post": "comment post tweet announcement thread story review",
        "schedule create": "meeting appointment event reminder slot",
        "invite": "invitation invite",
        "cancel": "cancellation",
        "change": "change update adjustment edit correction modification",
        "delete": "deletion removal",
        "share grant": "access permission",
        "grant": "role privilege",
        "grant invite": "collaborator admin administrator moderator maintainer",
        "run": "deployment rollback deploy",
        "merge": "merge",
    }
)
#: Beside a sending verb these say that money is sent.
MONEY_WORDS: Final = words(
    "payment money amount euro euros dollar dollars pound pounds usd eur gbp chf jpy rent fee "
    "price cash fund funds refund iban difference salary bucks balance deposit transaction "
    "installment"
)

#: Phrases that ask for an act; `*` stands for up to four words, of which none is "me" or "us" where
#: the phrase says `~`: what the agent is to tell its own principal is no sending.
_PHRASES: Final = tuple(
    (phrase.split(), _acts(acts))
    for acts, phrases in {
        "send": "let ~ know|keep ~ posted|keep ~ updated|keep ~ informed|keep ~ in the loop|"
        "get in touch|get hold of|reach out|drop ~ line|drop ~ note|drop ~ message|drop ~ email|"
        "shoot ~ email|shoot ~ message|shoot ~ note|shoot ~ text|give ~ call|give ~ ring|"
        "give ~ heads|fill ~ in|loop ~ in|write to|write ~ back|write back|"
        "ask ~|tell ~|wish ~|hit ~ up|say hi to|say hello to|say thanks to|say thank|"
        "speak to ~|talk to ~|speak with ~|talk with ~|put ~ through|connect ~ with|"
        "give ~ a shout|send word",
        "send post": "say in|say on|say * in|say * on|say to ~|mention * in|mention * to|"
        "mention in|mention on|"
        "put it to|thank ~",
        "reply send": "get back to|follow up|write back",
        "forward send": "pass * on|pass * along|pass on|pass along|hand over",
        "share send": "hand * over|make * available|make * public|make * accessible|open * up to",
        "share grant": "give * access|give * permission|give * permissions|give * rights",
        "create schedule": "set up|set * up|put together|remind me|remind us",
        "create change invite": "get * into|get * onto|let * into|bring * into|put ~ down for",
        "create change": "put * on|put * in|put * into|put * onto|put in|write down|write * down|"
        "pop * in|pop * on|stick * in|stick * on|pencil in|pencil * in|draw up|draw * up|"
        "make a note|make note|take a note|take note|keep a record|hook up|hook * up|"
        "write up|write * up|jot down|back up|back * up|sign up|sign * up",
        "delete": "get rid of|throw away|throw out|throw * away|throw * out|take down|"
        "clean up|clean out|clear out|clear up|do away with|wind up|cross * out|strike * out|"
        "strike * from|cut * out|take * away",
        "delete change": "take * off|take * out|take * down|take off|take out|get * off|"
        "get * out of",
        "cancel": "call off|call * off|back out of|pull out of",
        "change schedule": "push * back|push back|bring forward|bring * forward|move * to|pull * "
        "in",
        "change": "turn on|turn off|turn up|turn down|turn * on|turn * off|turn * up|turn * down|"
        "switch on|switch off|switch * on|switch * off|opt in|opt out|check in|check out|"
        "count me in|count us in|count me out|count us out|opt me in|opt me out|"
        "check me in|check us in|check me out|check us out|"
        "switch over|bring * up to date|bring * down|put * back|set * back|swap * out|"
        "trade * for|make * private|cut * down|leave out|leave * out",
        "change close": "cross off|cross * off|tick off|tick * off|check off|check * off",
        "run": "shut down|shut * down|roll back|roll * back|spin up|kick off|fire up|bring up|"
        "roll * out|roll out|take * offline|bring * online|fail over|fail * over",
        "revoke delete": "kick out|kick * out|throw ~ out|lock ~ out",
        "pay": "pay back|pay * back|pay off|top up|chip in|send * back|send back|square up|"
        "give * money back",
        "close": "wrap up|sign off",
        "look": "set aside|look up|look into|look at|look for|write me|read back|call me|"
        "tell me|tell us|show me|give me|ask me|make a list|make a summary|make sense|make sure|"
        "take a look|"
        "remind me what|remind me who|remind me which|remind me how|remind me where|"
        "remind me why|remind me of|have a look|have a read|run me through|walk me through|run "
        "through|"
        "leave * as|leave * alone|leave * unchanged|leave * untouched",
    }.items()
    for phrase in phrases.split("|")
)
#: The same by their first word, as (the further words, acts), the longest first.
PHRASES: Final[dict[str, tuple[tuple[tuple[str, ...], Acts], ...]]] = {
    first: tuple(
        (tuple(steps[1:]), acts)
        for steps, acts in sorted(_PHRASES, key=lambda phrase: -len(phrase[0]))
        if steps[0] == first
    )
    for first in {steps[0] for steps, _ in _PHRASES}
}

#: Verbs that are as often nouns: between other words they count only before an object.
NOUNY: Final = frozenset(WEAK_VERBS) | words(
    "update change move copy record release import sync push vote print delay sign save report "
    "reply answer share pause fix merge reset increase pay buy deal run trade rent hire text "
    "call visit decline access note transfer refund tip deposit purchase review start set list "
    "show answer mark test order file document log build post mail email message phone ping "
    "alert bill invoice credit block page buzz ring bin dump scrap slot pencil switch replace "
    "bid edit scale release warn "
    "exchange swap tune bump capture sum recap digest escalate refer"
)

#: Verbs of looking that act where their object is no information: "get me a cab".
LIGHT_LOOKS: Final = words("get give help take fetch")
#: What people book by naming it.
BOOKED_NOUNS: Final = words(
    "table room hotel hostel flight train ticket seat car cab taxi apartment flat accommodation "
    "lodging van ferry berth cabin court desk tour shuttle suite bed campsite restaurant "
    "parking bike scooter limo motel guesthouse villa lounge coach"
)
#: What is only told to the one who asks.
KNOWN_NOUNS: Final = words(
    "list summary overview number figure total sum count detail link address name info information "
    "version idea explanation description comparison breakdown picture sense feeling gist point "
    "line word sentence bullet answer status price cost rate quote date time result analysis "
    "recap digest insight fact advice recommendation suggestion opinion option alternative idea "
    "example difference reason cause history look thing help hand feedback translation code "
    "id reference phone email average percentage ranking table"
) - {"table", "email"}
#: By what something put into words reaches others.
MESSENGER_NOUNS: Final = words(
    "dm message mail email e-mail sms text note post comment reply letter chat thread announcement"
)
