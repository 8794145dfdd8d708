"""Whether a goal speaks of what a tool acts on: "delete the mail" asks nobody to delete a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pdp.domain.catalogue import ArgumentKind, Tool
from pdp.domain.definition import PREPOSITIONS, singular, split_words
from pdp.domain.goal import GoalActs, covered, forbidden
from pdp.domain.goal_words import GRAVE, Act
from pdp.domain.provenance import ArgumentTrace
from pdp.domain.seen import Origin
from pdp.domain.tool_acts import ToolActs
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import MODIFIERS, STRONG_VERBS, WEAK_VERBS, words
from pdp.domain.weight import moves_value

#: Nouns that people use for one another, and those of other languages; a line is one kind of thing.
_KINDS_BY_LINE: Final = """
mail email e-mail message msg inbox mailbox letter reply thread newsletter gmail outlook nachricht \
mails courriel correo mensaje
message msg dm chat text sms post channel thread conversation slack teams room group
post tweet comment thread story status review message msg announcement feed
event meeting appointment calendar call invite invitation reminder slot schedule termin \
besprechung kalender rendez-vous réunion agenda cita reunión evento lunch dinner breakfast \
standup interview party session workshop conference
file document doc attachment report spreadsheet sheet presentation slide folder pdf image photo \
picture text list drive directory path readme line section paragraph datei dokument ordner \
fichier dossier archivo documento carpeta code script config csv markdown article page \
runbook playbook guide manual handbook
payment transaction txn transfer money bill invoice rent fee funds standing salary debt \
überweisung zahlung rechnung miete paiement virement facture loyer pago transferencia factura \
alquiler euro dollar pound debit order subscription
issue ticket bug story card item request case incident problem pull_request pr
task todo to-do reminder item action card ticket list aufgabe tâche tarea
pull pr merge request branch change review patch code
repo repository project code codebase
note notes memo entry journal summary log
user account profile info information detail data person member contact address phone name \
settings setting preference
contact person people address friend colleague customer lead kontakt adresse
password passwort credential login pin passphrase mot contraseña secret key
reservation booking trip stay rental itinerary
reservation booking appointment
hotel hostel room apartment flat lodging accommodation guesthouse motel suite bed stay place villa \
cabin campsite unterkunft chambre habitación
restaurant table dinner lunch seat brunch tisch mesa
flight ticket seat plane trip journey itinerary flug vol vuelo
train bus ferry coach tram rail ticket seat trip journey zug bahn
car van vehicle rental ride taxi cab bike scooter camper truck mietwagen
event show concert tour class course court slot ticket appointment
order cart purchase product item basket checkout shopping bestellung commande pedido
row record entry table database column field sheet cell value customer line
label tag category flag
page site website runbook playbook guide handbook wiki article web document tab browser form \
button link
limit budget cap
alarm timer reminder light lamp thermostat device switch
song playlist track album music video
deployment release version service server build pipeline workflow job
2fa mfa authentication two-factor totp
api token key secret credential
permission access role right visibility share sharing
member user person people team group guest participant attendee collaborator
subscription newsletter list mailing plan membership
"""
_DATE: Final = re.compile(r"\d{4}-(\d\d)-(\d\d)(?!\d)", re.ASCII)
_MONTHS: Final = re.findall(
    r"\w+",
    "january february march april may june july august september october november december",
)
_ORDINALS: Final = {1: "st", 21: "st", 31: "st", 2: "nd", 22: "nd", 3: "rd", 23: "rd"}
_KINDS: Final = tuple(map(words, _KINDS_BY_LINE.strip().split("\n")))
_IDLE: Final = (
    PREPOSITIONS
    | MODIFIERS
    | words(
        "or and the a an new all my existing current scheduled default pending single multiple id "
        "info information data item resource object entity user own api v1 v2 me is not"
    )
)


#: Acts that say by themselves what they are done to, when a goal asks for just these.
_TELLING: Final = frozenset(
    {
        Act.SEND,
        Act.REPLY,
        Act.FORWARD,
        Act.POST,
        Act.SHARE,
        Act.INVITE,
        Act.PAY,
        Act.BUY,
        Act.SCHEDULE,
        Act.MERGE,
    }
)
_SLIGHT: Final = frozenset({Act.CREATE, Act.CHANGE, Act.SCHEDULE, Act.CLOSE})


def is_about(
    tool: Tool,
    traces: Sequence[ArgumentTrace],
    does: ToolActs,
    goal: GoalActs,
    says: Callable[[str], bool],
) -> bool:
    """Whether the goal has anything to do with what a call acts on.

    It has where an argument is something that the principal named, or was met beside it; where it
    asks for just this act, and the act says what it is done to; where it asks for it of something
    that the tool's own words speak of; or where it names such things. People name things by other
    words than tools do: for what is not grave it is enough that an argument is an amount or a
    date that the principal said. `says` tells whether a text of the principal holds a run of
    whole words. What has no effect needs none of it.
    """
    if not tool.tool_class.has_effect or does.acts & goal.acts & _TELLING:
        return True
    if any(covered(one.acts) & does.acts and one.about & does.about for one in goal.asks):
        return True
    chosen = (one for one in traces if one.kind in (ArgumentKind.SINK, ArgumentKind.IDENTIFIER))
    if any(one.origin is Origin.PRINCIPAL or (one.named and one.exists) for one in chosen):
        return True
    if any(map(says, dict.fromkeys(_forms(tool)))):
        return True
    if does.acts & GRAVE or tool.tool_class not in (ToolClass.WRITE, ToolClass.SEND):
        return False
    return any(_ties(one, says) for one in traces)


def _ties(one: ArgumentTrace, says: Callable[[str], bool]) -> bool:
    """Whether an argument is an amount or a date that the principal said.

    That a thing exists, or that trusted output held a value, does not tie a call to the goal, nor
    do words of a text: content can tell the one otherwise, and small words are in every goal.
    """
    if one.kind == ArgumentKind.AMOUNT:
        return one.origin is Origin.PRINCIPAL
    return one.origin is Origin.NONE and _is_said_date(one.value, says)


def _is_said_date(value: str, says: Callable[[str], bool]) -> bool:
    """Whether a date is one that the principal said by its day and the name of its month."""
    found = _DATE.match(value)
    if found is None or not 1 <= int(found[1]) <= len(_MONTHS):
        return False
    day, month = int(found[2]), _MONTHS[int(found[1]) - 1]
    spoken = (str(day), f"{day:02}", f"{day}{_ORDINALS.get(day, 'th')}")
    return any(map(says, spoken)) and any(map(says, (month, month[:3])))


def is_meant(tool: Tool, traces: Sequence[ArgumentTrace], does: ToolActs, goal: GoalActs) -> bool:
    """Whether words that were not understood surely mean a call, since all it reaches is named.

    Only a small change that can be taken back and opens or gives nobody anything is taken so,
    where the principal said every sink, identifier and amount of it. Being close to what the goal
    asks for is not enough: then its words were understood, and they ask for something else.
    """
    slight = tool.tool_class is ToolClass.WRITE and tool.reversible and not moves_value(tool)
    if not (slight and does.acts <= _SLIGHT and does.acts <= goal.maybe):
        return False
    if forbidden(goal, does.acts) or not all(map(_is_own, traces)):
        return False
    return any(
        one.origin is Origin.PRINCIPAL
        for one in traces
        if one.kind in (ArgumentKind.SINK, ArgumentKind.IDENTIFIER)
    )


def _is_own(one: ArgumentTrace) -> bool:
    """Whether a value is the principal's, or text that carries no address or link."""
    if one.origin in (Origin.PRINCIPAL, Origin.NONE):
        return True
    return one.kind == ArgumentKind.CONTENT and not (one.embedded or one.more)


def _forms(tool: Tool) -> Iterator[str]:
    spoken = [singular(word) for word in split_words(tool.name)]
    # What a name begins with is its verb ("book_flight") where more follows.
    verb = spoken[0] if spoken and spoken[0] in WEAK_VERBS else ""
    nouns = [one for one in spoken if one not in STRONG_VERBS and one not in _IDLE and one != verb]
    for noun in nouns or spoken:
        yield from _inflected(noun)
        for kind in _KINDS:
            if noun in kind:
                for word in sorted(kind):
                    yield from _inflected(word)


def _inflected(noun: str) -> Iterator[str]:
    yield noun
    yield f"{noun}s"
    if noun.endswith("y"):
        yield f"{noun[:-1]}ies"
    if noun.endswith(("s", "x", "ch", "sh")):
        yield f"{noun}es"
