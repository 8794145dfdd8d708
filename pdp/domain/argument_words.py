"""The words by which arguments say what they hold and decide. Data only, lower case, singular."""

from __future__ import annotations

from pdp.domain.catalogue import ValueType
from pdp.domain.vocabulary import words

#: What an argument of this name holds; each of these but a date is a sink.
HOLDS: dict[str, ValueType] = {
    **dict.fromkeys(words("email mail cc bcc"), ValueType.EMAIL),
    **dict.fromkeys(
        words(
            "user username member participant attendee invitee guest assignee reviewer contact "
            "owner manager person people collaborator employee follower mention handle login "
            "friend payer sender delegate approver signer author passenger traveler traveller "
            "driver rider renter tenant student teacher pupil patient applicant candidate visitor "
            "nominee cardholder organizer organiser speaker watcher subscriber viewer invitee "
            "responder supervisor guardian practitioner"
        ),
        ValueType.PERSON,
    ),
    **dict.fromkeys(
        words("iban bic swift account wallet beneficiary payee card bank routing"),
        ValueType.ACCOUNT,
    ),
    **dict.fromkeys(words("phone mobile telephone fax msisdn whatsapp"), ValueType.PHONE),
    **dict.fromkeys(
        words("url uri link href website webhook endpoint callback redirect src"),
        ValueType.URL,
    ),
    **dict.fromkeys(words("domain host hostname ip fqdn"), ValueType.DOMAIN),
    **dict.fromkeys(
        words("path file filename filepath directory folder dir bucket dest outfile"),
        ValueType.PATH,
    ),
    **dict.fromkeys(words("channel chat conversation room"), ValueType.CHANNEL),
    **dict.fromkeys(words("repo repository"), ValueType.REPOSITORY),
    **dict.fromkeys(
        words("command cmd script code sql statement cypher program"), ValueType.COMMAND
    ),
    **dict.fromkeys(
        words("password passphrase secret credential pin otp token cvc cvv"), ValueType.SECRET
    ),
    **dict.fromkeys(
        words(
            "date time day datetime deadline due since until checkin checkout month year timestamp "
            "duration weekday minute hour expire expiry expiration ttl"
        ),
        ValueType.DATE,
    ),
}

#: Sent to: what they hold depends on what is sent.
RECIPIENTS = words("to recipient receiver addressee cc bcc destination target forward")
PARTIES = words(
    "user channel chat conversation recipient receiver account member contact room group payee "
    "beneficiary destination target webhook card to person customer wallet phone friend owner "
    "assignee creditor biller debtor"
)
IDENTIFIERS = words(
    "ts id iid pid sha uuid guid ulid etag slug node hash oid cursor_id urn arn uid"
)
NUMBERED = words(
    "issue pull pr ticket order invoice case alert version discussion milestone build run job "
    "confirmation booking reservation page project finding pnr reference tracking shipment "
    "return rma claim policy contract quote quotation purchase delivery parcel receipt bill "
    "application incident mandate meter loan lease debit task story "
    "voucher coupon discount promo promotion article product item "
    "model variant offer listing serial part batch lot asset device course warranty"
)
#: Of those, what a bare number names; others it counts or prices.
NUMBERED_ALONE = words(
    "issue pull pr ticket order invoice case alert build run job booking reservation project "
    "shipment rma claim policy contract incident task story milestone"
)
#: The codes by which goods are known; each is minted by whoever lists them.
ARTICLES = words("sku ean gtin upc asin isbn issn mpn barcode plu")
#: Which state of a thing is meant.
VERSIONS = words("version revision snapshot checkpoint")
#: Codes with one of these open or prove something.
PROOFS = words(
    "access verification security otp auth authentication authorization pin pairing recovery login "
    "activation mfa unlock door"
)
#: These choose what a `value` beside them sets.
FIELDS = words("field key attribute property setting preference option parameter param variable")
#: Parts of a document, a table or a board.
PARTS = words(
    "range tab sheet worksheet section clause paragraph heading slide block cell row column line"
)
CONTENT = words(
    "body content text message subject title description summary note comment caption html "
    "markdown value prompt instruction reason rationale query q search question keyword topic "
    "headline bio detail feedback review answer attachment metadata label tag payload data info "
    "information location venue agenda memo signature intro story post reply paragraph cell row "
    "record property explanation template variable context string term phrase image picture photo "
    "attribute document entity observation relation annotation remark purpose footer header blurb "
    "abstract transcript snippet objective goal notes html_body input_text emoji reaction icon "
    "color colour criteria condition thought idea contain pattern regex fact knowledge "
    "replace replacement append prepend insertion patch diff str extra addon amenity requirement "
    "preference wish request allergy diet dietary greeting dedication find match entry "
    "option choice wikitext formula lyrics essay place"
)
#: As objects these hold whatever the server makes of them.
LOOSE = words("option choice request extra addon preference requirement patch diff")
#: In a tool that changes what is there, these select what is changed.
SELECTING = words("query q filter criteria condition where find match entity")
#: In a tool that runs something, these alone are no part of what is run.
NARRATING = words(
    "subject title description summary note comment reason label tag explanation remark purpose"
)
OPTIONS = words(
    "page limit offset cursor after before per size count top k n max min depth width height line "
    "column format encoding language lang locale currency unit sort order by direction filter "
    "state status type kind mode priority severity category level layout style theme font field "
    "include exclude expand timeout timezone tz recurrence recurring frequency interval position "
    "index quality confidence threshold reminder visibility privacy permission role scope access "
    "draft private public side start end token_count tail step seed rating score stars "
    "language_code temperature iteration retry schema_version selector xpath ascending descending "
    "segment tier stage phase grade urgency impact verdict outcome star metric transition gender "
    "salutation response window slot nationality country nation province county "
    "range view verbose force recursive class model resolution percent percentage progress "
    "estimate point lat latitude lon lng longitude radius zoom seat age session rank weight"
)
#: As numbers these count or measure and pay for nothing.
COUNTED = words(
    "adult child infant passenger night seat bedroom room size party brightness volume row cell "
    "slot ordinal"
)
AMOUNTS = words(
    "amount price total sum quantity qty budget cost fee tip share discount replica installment "
    "deposit bid salary wage bonus payout stake balance"
)
#: As numbers these say which one; what is taken away there is chosen by them.
POSITIONS = words("row cell slot index position line column ordinal number rank")
#: Where goods and letters go.
POSTAL = words("street city zip zipcode postcode postal")
GOODS = words(
    "hotel flight restaurant company vendor merchant item product sku car ticket symbol ticker "
    "service provider airline event asset stock fund plan menu seller store shop supplier train "
    "room_type package movie show course"
)
PLACES = words(
    "branch base head ref table database collection namespace cluster container queue project "
    "workspace organization organisation org team group board list calendar index dataset tenant "
    "environment key stream partition schema region zone service instance resource deployment pod "
    "function workflow remote origin fork album playlist space site app application server device "
    "printer vm disk machine lock door camera lamp light scanner speaker screen scene audience stop"
)
ADJECTIVES = words(
    "new old updated default custom optional initial current existing original given actual "
    "specific desired selected raw plain"
)
#: Names given to a person or thing, which choose nothing.
GIVEN_NAMES = words("first last full display middle nick sur family given real event preferred")
#: In an administrative tool these are what is given away.
POWERS = words("permission role scope access level visibility")
#: After a word for a time, or described as one, these are times too (`date_from`, `starts_at`).
BOUNDS = words(
    "start end from to at on in before after when schedule range min max modified updated spent "
    "left"
)
