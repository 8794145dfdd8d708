"""The small words of English that decide whether a verb asks, forbids or only tells. Data only."""

from __future__ import annotations

from typing import Final

from pdp.domain.vocabulary import words

#: Stand in a sentence for what is quoted, and for an address or link.
QUOTE, PLACE = "\x00quote", "\x00place"

URGING: Final = words(
    "please kindly then next finally lastly afterwards afterward otherwise instead pls plz "
    "subsequently thereafter secondly thirdly else"
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
    "enough half twice only same other others $ € £ whoever whomever whichever someone "
    "somebody anybody anything nobody today tomorrow tonight"
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
#: Open a clause on whose truth what follows hangs, and what may end it without a comma.
CONDITIONS: Final = words("if when once unless should whenever")
CLOSING: Final = words(
    "yet already still there here now then so not yes possible necessary needed required true "
    "false today tomorrow available free open green red done ready fine good passed finished ok "
    "okay empty missing gone again agreed applicable pass passes work works agree agrees fit fits "
    "exist exists fail fails succeed succeeds match matches arrive arrives"
)
#: What surely begins an object: an unknown word before one of these is used as a verb.
DETERMINERS: Final = words(
    "the a an my our your his her their its this that these those it them him us me all any some "
    "each every both another whatever whoever whichever everything everyone someone somebody"
) | {QUOTE, PLACE}
#: Verbs that ask nobody to change anything, and small words: none of them is a verb not known.
IDLE: Final = words(
    "be am is are was were been being have has had having do does did know think understand hear "
    "feel wonder hope guess assume believe like love want need wish prefer appreciate seem mean "
    "matter wait stay remain worry care mind excuse pardon learn remember forget afford arrive "
    "keep try hurry beware ensure consider bear visit meet travel fly live sit stand get got sort "
    "say said speak talk avoid refrain doubt agree expect notice imagine suppose happen depend "
    "require belong deserve fit own enjoy attend watch listen sleep eat drink walk drive sound "
    "thanks thank hello hi hey dear good morning afternoon evening regards best cheers sorry "
    "greetings yes no ok okay sure right well great perfect fine nice quick short brief long new "
    "old last next first second third same such other more most less least many few much several "
    "one two three four five six seven eight nine ten half please not never only just also even "
    "still already yet again soon later now then here there today tomorrow tonight yesterday "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december who what which when where why how whose "
    "whom that this these those the a an my your his her its our their me him us them it i you he "
    "she we they some any each every all both none either neither another with without for from "
    "to of in on at by about into onto over under after before between during until till since as "
    "than per via and or but nor so if unless because although though while whereas can could "
    "will would shall should might must cannot can't won't don't doesn't didn't isn't aren't "
    "wasn't weren't i'm i'd i've i'll it's that's there's we're we'd we've we'll you're he's "
    "she's they're let's lets everything everybody everyone anything nothing something somebody "
    "someone anyone nobody re fyi asap btw subject topic title name note regarding concerning ps "
    "urgent important attention question reminder version once twice back out off up down away "
    "through across against along among around near within upon toward towards throughout beyond "
    "except despite besides regardless perform monthly weekly daily"
)
#: Endings that verbs in their base form hardly have.
NO_VERB: Final = ("ly", "tion", "sion", "ness", "ment", "ity", "'s", "ing", "ed", "ism", "ful")
#: Verbs of being, having and doing, by which a sentence states something.
FINITE: Final = words(
    "is are was were am has have had does did will would can could can't cannot won't isn't aren't "
    "wasn't weren't don't doesn't didn't hasn't haven't it's that's there's i'm i've we're we've "
    "they're he's she's should must may might shall says said wrote writes sent told asked wants "
    "wanted needs needed made got took came went left gave put said went began thinks thought "
    "knows knew works lives moved paid"
)
#: In front of what a thing is called.
BEGINS_NOUN: Final = words(
    "a an the my our your his her their this that these those some any another one two three four "
    "five six seven eight nine ten please just only all new short quick brief small little more"
)
#: What the name of a thing goes no further than.
ENDS_NOUN: Final = words(
    "and or , ( & but nor plus in on at for from to of with without by about into onto over under "
    "between before after until till since as than like via per around near within through that "
    "which who whom whose where when while if because so please now then today tomorrow tonight "
    "instead rather not too also again there here back up down off out soon asap saying titled "
    "called named it him her me us them you"
)
WISHING: Final = words("need want wanna require fancy wish")
WOULD: Final = words("would 'd i'd we'd i'll")
#: Verbs of a wish that only the one who wishes can do, or that ask for nothing but knowing.
MENTAL: Final = words(
    "know see understand hear learn check look find be think decide ask say read watch show tell "
    "make remember verify compare go come stay keep figure discuss"
)
OBLIGING: Final = words("should must needs has shall ought")
SUBJECTS: Final = words("i you we he she they who there it's that which what one")
#: Words of which two texts may have any in common.
SMALL_WORDS: Final = (
    IDLE | ENDS_NOUN | BEGINS_NOUN | FINITE | words("id name value list use used using given only")
)
#: Verbs by which a thing is said to be, which are no acts of an agent then.
SETTING: Final = words("start begin end stop finish close open last show read say")
#: Nouns that a verb may follow with "to", and as well the name of a place or a state.
NOUNS_TO: Final = words("plan plans task job goal time order instructions best aim hope ready")
