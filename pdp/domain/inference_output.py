"""What a tool returns, guessed from its definition: who could have written it, how sensitive it is.

Output counts as untrusted unless it is plainly the system's own word about itself or about the
account it serves: somebody else could have written it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from pdp.domain.definition import Definition, singular
from pdp.domain.inference_effect import Effect
from pdp.domain.inference_egress import KEPT
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass
from pdp.domain.vocabulary import COMPUTED_NOUNS, words

_CLOCK = words("time date day datetime timestamp timezone clock year month weekday now today")
_CLOCK_QUALIFIERS = words("current now today system server local utc get timezone")
_OWN = words(
    "balance iban quota limit usage whoami me version health uptime self identity profile account"
)
_OWN_PEOPLE = words("user profile account me self whoami")
_SYSTEM_LISTS = words("currency timezone language unit country locale")
#: The account's own list of people: saying who is meant by a name is what it is for. Sales systems
#: keep lists of contacts too, which web forms fill.
_ADDRESS_BOOK = words("contact addressbook")
_LOOKING_UP = words("search find lookup look get list query fetch resolve")
_SOLD_TO = words("crm lead customer deal prospect campaign opportunity account company")
ADDRESS_BOOK_GROUND = "name:contact is the own address book"
#: The directory of an organisation serves the same end: whoever runs it says who works there.
_WORKING = words("staff employee colleague coworker teammate personnel workforce")
_PEOPLE = words("people person member user teacher nurse doctor crew faculty handle directory")
_DIRECTORY_TEXT = re.compile(
    r"\b(?:company|corporate|staff|employee|internal|organi[sz]ation(?:'s)?|workspace|people|school"
    r"|university|hospital|team|office|personnel) (?:directory|address ?book|phone ?book)\b"
    r"|\bdirectory (?:lookup|search|of (?:the )?(?:people|staff|employees|colleagues|company))\b"
    r"|\b(?:search|find|look|lookup|list)\w*(?: up)?(?: for)?(?: \w+)? (?:colleagues|co-?workers"
    r"|employees|team ?mates|staff)\b",
    re.IGNORECASE,
)
#: What people write about themselves, and what others write, is in more than a directory.
_ABOUT_PEOPLE = re.compile(
    r"\b(?:bios?|biograph\w+|about (?:me|themselves|him|her)|wrote|profiles?|notes?|comments?"
    r"|posts?|messages?|reviews?|histor(?:y|ies)|activit(?:y|ies)|interests|status|public|customers?|clients?"
    r"|guests?|leads?|repositor(?:y|ies)|followers?)\b",
    re.IGNORECASE,
)
_MORE_THAN_NAMES = words(
    "profile bio card history note activity status post message review detail salary record photo "
    "leave absence shift schedule email task event calendar document file channel room group"
)
_FINDING = words("search find lookup look list query resolve")
DIRECTORY_GROUND = "the organisation's own directory"
_COMPUTED = words("calculate calculator compute math uuid arithmetic")
_WRITTEN_BY_OTHERS = words(
    "email mail message inbox comment issue pull review page web website url file document note "
    "event calendar meeting transaction post thread chat channel conversation search result news "
    "article ticket order customer lead contact record row table query log feed tweet discussion "
    "notification alert history payment invoice booking product hotel flight restaurant repository "
    "repo commit content attachment folder drive task project member people member invitation"
)

_SECRETS = words("password passphrase credential secret vault keychain keyring")
_SECRET_PHRASES = (
    ("api", "key"), ("private", "key"), ("access", "key"), ("access", "token"), ("api", "token"),
    ("auth", "token"), ("signing", "key"), ("recovery", "code"), ("refresh", "token"),
    ("connection", "string"), ("env", "var"), ("environment", "variable"),
)  # fmt: skip
_REVEALS = re.compile(
    r"\b(?:with|including|returns?|reveals?|gets?|reads?|fetch(?:es)?|shows?|values? of)"
    r"\b[^.]{0,40}"
    r"\b(?:passwords?|credentials|api keys?|private keys?|secret keys?|environment variables?)\b",
    re.IGNORECASE,
)
_CONFIDENTIAL = words(
    "email mail inbox gmail dm sms contact iban account balance transaction payment payroll "
    "payslip paycheck wage pension salary "
    "bank banking card tax health medical patient diagnosis prescription customer lead deal crm "
    "employee hr passport ssn address drive file document folder attachment note invoice "
    "conversation credit loan insurance statement transfer portfolio wallet profile medicine "
    "candidate resume applicant opportunity secret credential password vault voicemail call photo "
    "position holding debit"
)
_CONFIDENTIAL_PHRASES = (("user", "info"), ("user", "information"), ("personal", "data"))
_PUBLIC = words(
    "web internet weather forecast news wikipedia wiki arxiv hotel restaurant flight map place "
    "geocode stock book movie recipe rating price docs documentation holiday exchange library "
    "attraction airport airline museum direction route"
)
#: Where anybody may go.
_OF_BUSINESSES = re.compile(
    r"\baddress(?:es)? of (?:\w+ ){0,2}?(?:hotels?|restaurants?|shops?|stores?|caf[eé]s?|museums?"
    r"|venues?|airports?|stations?|clinics?|pharmac(?:y|ies)|offices|branches|landmarks?|places?"
    r"|attractions?|business(?:es)?|librar(?:y|ies)|schools?|hostels?|parks?)\b",
    re.IGNORECASE,
)
_PUBLIC_HEADS = words("timezone time date day currency country language quote")
_SHARED_CODE = words("repo repository branch commit pull gist code")


def infer_output_label(definition: Definition, effect: Effect) -> tuple[OutputLabel, str]:
    """The label of the output, and what it rests on."""
    if effect.tool_class is not ToolClass.READ:
        return OutputLabel.UNTRUSTED, f"class:{effect.tool_class.value} raises no trust"
    if effect.egress:
        return OutputLabel.UNTRUSTED, "egress: comes from outside"
    nouns, head = definition.nouns, definition.object_head
    others = nouns & _WRITTEN_BY_OTHERS
    looked_up = effect.verb in _LOOKING_UP and nouns & _ADDRESS_BOOK and not nouns & _SOLD_TO
    if looked_up and not others - _ADDRESS_BOOK - {effect.verb}:
        return OutputLabel.TRUSTED, ADDRESS_BOOK_GROUND
    if _is_directory(definition, effect):
        return OutputLabel.TRUSTED, DIRECTORY_GROUND
    if others:
        return OutputLabel.UNTRUSTED, f"name:{min(others)} is written by others"
    selects = any(
        field.required or field.words[-1:] != ("timezone",)
        for field in definition.fields
        if field.types != {"boolean"} and not field.choices
    )
    if head in _CLOCK and nouns <= _CLOCK | _CLOCK_QUALIFIERS | {effect.verb}:
        return OutputLabel.TRUSTED, f"name:{head} is the system's own"
    if head in _SYSTEM_LISTS and effect.verb in ("list", "get"):
        return OutputLabel.TRUSTED, f"name:{head} is the system's own"
    if effect.verb == "convert" and nouns & COMPUTED_NOUNS:
        return OutputLabel.TRUSTED, f"name:{min(nouns & COMPUTED_NOUNS)} is computed"
    if nouns & _COMPUTED:
        return OutputLabel.TRUSTED, f"name:{min(nouns & _COMPUTED)} is computed from the arguments"
    if not selects and (nouns & _OWN or (nouns & _OWN_PEOPLE and head in ("info", "user"))):
        return OutputLabel.TRUSTED, f"name:{head} of the own account, chosen by no argument"
    return OutputLabel.UNTRUSTED, "default: nothing says that only the system writes it"


def _is_directory(definition: Definition, effect: Effect) -> bool:
    """Whether the tool looks up who works here, and nothing that these people write."""
    nouns, described = definition.nouns, definition.description
    if nouns & (_MORE_THAN_NAMES | _SOLD_TO) or _ABOUT_PEOPLE.search(described):
        return False
    listed = definition.object_head in ("directory", "list") and not effect.verb
    if not (listed or effect.verb in _FINDING) or any(
        field.head == "id" for field in definition.fields
    ):
        return False
    if nouns & _WORKING:
        return True
    return bool(nouns & _PEOPLE) and _DIRECTORY_TEXT.search(described) is not None


def infer_sensitivity(definition: Definition, effect: Effect) -> tuple[Sensitivity, str]:
    """How sensitive what the tool gives access to is, and what that rests on."""
    pairs = set(pairwise(tuple(singular(word) for word in definition.words)))
    nouns, head = definition.nouns, definition.object_head
    reads = effect.tool_class is ToolClass.READ
    if reads and _is_directory(definition, effect):
        return Sensitivity.INTERNAL, DIRECTORY_GROUND
    if reads and (head in _SECRETS or pairs & set(_SECRET_PHRASES)):
        return Sensitivity.RESTRICTED, f"name:{head} is a secret"
    revealed = _REVEALS.search(definition.description)
    if reads and revealed is not None:
        return Sensitivity.RESTRICTED, f"description:{revealed[0].lower()}"
    if effect.tool_class is ToolClass.SEND or (
        effect.creates and not any(field.head == "id" for field in definition.fields)
    ):
        return Sensitivity.INTERNAL, f"verb:{effect.verb} handles what it is given"
    private = nouns & _CONFIDENTIAL - {effect.verb}
    if private == {"address"} and reads and _OF_BUSINESSES.search(definition.description):
        return Sensitivity.PUBLIC, "description:addresses that anybody may know"
    if private and not (nouns & _SHARED_CODE or _code_fields(definition)):
        return Sensitivity.CONFIDENTIAL, f"name:{min(private)}"
    if pairs & set(_CONFIDENTIAL_PHRASES):
        return Sensitivity.CONFIDENTIAL, "name:personal data"
    public = nouns & _PUBLIC | {head} & _PUBLIC_HEADS
    if reads and public and not private:
        return Sensitivity.PUBLIC, f"name:{min(public)}"
    if reads and effect.egress and not effect.egress_grounds[0].endswith(KEPT):
        return Sensitivity.PUBLIC, "egress: what anybody can read"
    mentioned = re.search(
        r"\b(?:inbox|mailbox|e-?mails?(?! address)|bank|payroll|medical|patients?"
        r"|confidential|personal|private)\b",
        definition.description,
        re.IGNORECASE,
    )
    if reads and mentioned is not None:
        return Sensitivity.CONFIDENTIAL, f"description:{mentioned[0].lower()}"
    return Sensitivity.INTERNAL, "default: nothing says more or less"


def _code_fields(definition: Definition) -> bool:
    return any(field.head in ("repo", "repository") for field in definition.fields)
