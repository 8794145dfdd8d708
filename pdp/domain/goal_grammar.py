"""The small words of English that decide whether a verb asks, forbids or only tells. Data only."""

from __future__ import annotations

from typing import Final

from pdp.domain.vocabulary import words

#: Stand in a sentence for what is quoted, and for an address or link.
QUOTE, PLACE = "\x00quote", "\x00place"

URGING: Final = words(
    "please kindly then next finally lastly afterwards afterward otherwise instead pls plz "
    "subsequently thereafter secondly thirdly"
)
SOFT: Final = URGING | words(
    "just also now first only quickly immediately asap simply always again either both carefully "
    "automatically directly maybe perhaps so additionally furthermore likewise actually go ahead "
    "ok okay hey hi hello"
)
JOINING: Final = words("and or , ( & plus but nor")
NOT: Final = words("don't dont not never cannot can't won't shouldn't mustn't wouldn't neither")
BUT_DO: Final = words("forget hesitate fail wait neglect omit miss")
GOVERNING: Final = words(
    "want wants need needs like love prefer wish have has had got sure remember forget hesitate "
    "fail wait neglect try trying going able ready time task job goal plan plans aim like'd "
    "order you free is be supposed proceed continue happy hoping hope intend careful important "
    "necessary required possible best as instructions"
)
HELPING: Final = words("help need want wants like let helping helps allow enable")
MODALS: Final = words("can could would will should must may shall might 'd 'll")
GERUND_NO: Final = words("without avoid stop skip than of")
GERUND_YES: Final = words(
    "by before after mind about start try consider suggest appreciate finish begin"
)
REPORTING: Final = words(
    "saying says said stating states reads reading telling asking reminding explaining announcing "
    "mentioning announces titled named called"
)
BEING: Final = words("is are was were be been being gets got")
PASSED: Final = SOFT | NOT | {"to", "do"}
#: Words of politeness and negation between a verb and what governs it.
REACH: Final = 8
#: With money these pay.
HANDING: Final = words("send give return move")
TOLD: Final = words("tell ask remind inform notify advise instruct urge warn email message text")
ASKING_WORDS: Final = words(
    "what which who whom whose when where why how did does is are was were has am"
)
BEFORE_YOU: Final = words("don't that if sure")
INDIRECT: Final = words("how what which where whether who when")
OTHERS: Final = words("i he she they who")
OBJECT: Final = words(
    "the a an my our your his her their its this that these those it them him us me all any some "
    "each every both one two three four five another no back to via with in on at into for up "
    "down off out over everything everyone everybody anyone whatever which who what new more "
    "enough half twice only same other others $ € £"
) | {QUOTE, PLACE}
NO_OBJECT: Final = words("is are was were has had from of about status and or , will")
IRREGULAR: Final = {
    "sent": "send",
    "paid": "pay",
    "bought": "buy",
    "sold": "sell",
    "written": "write",
    "put": "put",
    "set": "set",
    "made": "make",
    "told": "tell",
    "repaid": "repay",
    "lent": "lend",
    "run": "run",
}
