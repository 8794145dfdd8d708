"""The words by which tool definitions say what tools do: verbs and nouns, each with what it means.

Data only, in lower case and singular. A word is here for what it says about any server; nothing
in this file knows a particular one.
"""

from __future__ import annotations

from pdp.domain.values import ToolClass


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_READ = words(
    "get list search find read fetch retrieve view show lookup describe count browse inspect "
    "download compare analyze analyse summarize summarise validate verify calculate compute "
    "translate detect explain grep glob scan peek tail diff parse extract recall recommend suggest "
    "estimate preview whoami filter rank navigate goto visit scrape crawl explore discover scroll "
    "hover screenshot snapshot ls cat stat pwd check enumerate geocode identify load render wait "
    "sleep select aggregate see determine is has can monitor think reflect learn obtain gather "
    "collect display print transcribe classify predict simulate solve score embed tokenize ocr "
    "autocomplete infer paraphrase rewrite proofread whois nslookup dig traceroute diagnose "
    "examine interpret introspect inquire locate measure observe outline plot poll probe visualize "
    "visualise brainstorm decode backtest enrich"
)
_DRAFT = words("compose prepare")
_WRITE = words(
    "create update edit modify write add insert append set put patch change rename move copy "
    "delete remove save store upload upsert replace cancel close reopen archive unarchive restore "
    "mark assign unassign unstar unpin rebase reset revert undo redo complete finish pause resume "
    "enable disable reschedule register link unlink attach detach import sync clear purge drop "
    "truncate empty destroy wipe erase trash discard dismiss unresolve transition increment "
    "decrement adjust toggle unfollow react join leave accept decline reject acknowledge snooze "
    "mute unmute block unblock reprioritize reprioritise reorder prioritize duplicate mkdir rmdir "
    "rm mv cp touch make manage scale click type fill press drag subscribe unsubscribe unlike "
    "unlabel untag upvote downvote vote push lock unlock stash migrate alter extend confirm "
    "approve escalate resolve allocate apply define establish reopen deactivate activate populate "
    "refresh initialize init overwrite strip redact encrypt decrypt sign rekey upgrade downgrade "
    "finalize finalise renew void print play skip resize crop compress decompress zip unzip arm "
    "disarm dim ingest reindex train remember forget memorize persist seed backfill postpone delay "
    "defer hide unhide highlight enqueue dequeue freeze unfreeze quarantine isolate triage ack "
    "unmark rotate override reassign reallocate recreate redistribute pick choose "
    "waive immobilise immobilize tick untick checkin done "
    "assemble consume claim expire admit moderate calibrate curate "
    "customize customise connect disconnect reconnect drain cordon uncordon enroll enrol eject "
    "evict exclude include expand fix flush fulfil fulfill group ungroup ignore unignore increase "
    "decrease invalidate lower raise normalise normalize offload optimise optimize prune reduce "
    "reinstate relocate repair replicate replay requeue retire retry scrub seal unseal silence "
    "split stamp suppress swipe tweak unset unstage vacuum wake delegate return"
)
_SEND = words(
    "send publish share notify reply respond forward tweet retweet invite broadcast announce "
    "submit pay repay wire remit donate withdraw refund purchase buy dm reserve rebook unshare fax "
    "dial transmit deliver sell settle stake unstake gift lend borrow hire rsvp ship remind "
    "crosspost resend resubmit nudge poke distribute deposit redeem invest wager propose pledge "
    "sponsor refer"
)
_EXECUTE = words(
    "execute exec eval evaluate invoke trigger deploy redeploy launch spawn install uninstall "
    "compile restart reboot shutdown kill terminate rollout rollback dispatch rerun run "
    "orchestrate train finetune inject"
)
_ADMIN = words(
    "grant revoke authorize authorise promote demote ban unban kick suspend unsuspend impersonate "
    "elevate provision deprovision configure onboard offboard whitelist blacklist allowlist "
    "denylist deauthorize permit forbid entitle"
)

#: Words that are verbs wherever they stand in a name.
STRONG_VERBS: dict[str, ToolClass] = {
    **dict.fromkeys(_READ, ToolClass.READ),
    **dict.fromkeys(_DRAFT, ToolClass.DRAFT),
    **dict.fromkeys(_WRITE, ToolClass.WRITE),
    **dict.fromkeys(_SEND, ToolClass.SEND),
    **dict.fromkeys(_EXECUTE, ToolClass.EXECUTE),
    **dict.fromkeys(_ADMIN, ToolClass.ADMIN),
}

#: Words that are as often nouns; they count as verbs only where no strong verb stands beside them.
WEAK_VERBS: dict[str, ToolClass] = {
    **dict.fromkeys(
        words(
            "query ask test help trace ping quote watch stream index map log head export sort "
            "sample time date hash lint benchmark profile"
        ),
        ToolClass.READ,
    ),
    **dict.fromkeys(words("draft plan"), ToolClass.DRAFT),
    **dict.fromkeys(
        words(
            "record star like pin label tag fork clone branch commit merge checkout schedule "
            "follow note flag favorite favourite bookmark backup stage rate review start stop file "
            "document build generate open convert format process handle track pull exit cherry "
            "switch use"
        ),
        ToolClass.WRITE,
    ),
    **dict.fromkeys(
        words(
            "post email mail message comment request transfer charge order book call text sms tip "
            "trade issue contact tender bid chat swap exchange alert answer"
        ),
        ToolClass.SEND,
    ),
    **dict.fromkeys(
        words(
            "shell bash terminal command script powershell python sh zsh cmd console rpc repl "
            "sandbox"
        ),
        ToolClass.EXECUTE,
    ),
}

#: Strong verbs that are everyday nouns as well: at the beginning of a name they may be what the
#: tools are about (`invite_accept`, `view_delete`).
NOUNS_TOO = words(
    "dm tweet retweet fax share invite reply gift refund purchase bid stake pledge deposit wager "
    "broadcast list view filter search preview report display sample estimate poll probe "
    "screenshot snapshot vote like pin release group stamp print import sync upload download "
    "lock claim"
)
#: Verbs that hardly ever are nouns, and so are the verb of a name also at its end.
VERBS_ONLY = words(
    "get add create delete remove read send fetch find insert upsert cancel open close edit modify "
    "append accept decline approve reject submit publish archive unarchive restore rename kick "
    "leave join clear drop write pay describe enable disable assign unassign activate deactivate "
    "enroll resolve reopen dismiss destroy revoke grant confirm complete retrieve lookup"
)

#: Verbs of two words, where the first alone would say something else.
PHRASAL_VERBS: dict[tuple[str, str], tuple[str, ToolClass]] = {
    ("check", "in"): ("check in", ToolClass.WRITE),
    ("check", "out"): ("check out", ToolClass.WRITE),
    ("sign", "up"): ("sign up", ToolClass.WRITE),
    ("log", "in"): ("log in", ToolClass.WRITE),
    ("top", "up"): ("pay", ToolClass.SEND),
    ("look", "up"): ("lookup", ToolClass.READ),
    ("set", "up"): ("create", ToolClass.WRITE),
    ("shut", "down"): ("shutdown", ToolClass.EXECUTE),
    ("roll", "back"): ("rollback", ToolClass.EXECUTE),
    ("make", "public"): ("publish", ToolClass.SEND),
    ("make", "payment"): ("pay", ToolClass.SEND),
    ("make", "call"): ("call", ToolClass.SEND),
    ("call", "tool"): ("invoke", ToolClass.EXECUTE),
    ("call", "function"): ("invoke", ToolClass.EXECUTE),
    ("call", "api"): ("invoke", ToolClass.EXECUTE),
    ("use", "tool"): ("invoke", ToolClass.EXECUTE),
    ("turn", "on"): ("set", ToolClass.WRITE),
    ("turn", "off"): ("set", ToolClass.WRITE),
    ("switch", "on"): ("set", ToolClass.WRITE),
    ("switch", "off"): ("set", ToolClass.WRITE),
    ("sign", "in"): ("log in", ToolClass.WRITE),
    ("log", "out"): ("log out", ToolClass.WRITE),
    ("opt", "in"): ("set", ToolClass.WRITE),
    ("opt", "out"): ("set", ToolClass.WRITE),
    ("pay", "off"): ("pay", ToolClass.SEND),
    ("port", "forward"): ("forward", ToolClass.EXECUTE),
    ("hand", "over"): ("transfer", ToolClass.SEND),
    ("fill", "out"): ("fill", ToolClass.WRITE),
    ("follow", "up"): ("reply", ToolClass.SEND),
    ("reach", "out"): ("message", ToolClass.SEND),
    ("clean", "up"): ("delete", ToolClass.WRITE),
    ("back", "up"): ("backup", ToolClass.WRITE),
    ("tear", "down"): ("destroy", ToolClass.WRITE),
}

#: Acts that cannot be taken back, whatever they act on.
IRREVERSIBLE_VERBS = words(
    "delete remove destroy drop purge truncate wipe erase empty clear merge send publish notify "
    "reply respond forward tweet retweet broadcast announce submit pay repay wire remit donate "
    "withdraw refund purchase buy sell reserve rebook book order charge transfer tip trade cancel "
    "kill terminate rm rmdir discard post email mail message dm sms text call dial fax invite "
    "transmit deliver reset uninstall confirm deprovision offboard void sign finalize finalise "
    "expire forget prune evict burn resend resubmit distribute deposit redeem invest propose "
    "settle"
)

#: Verbs that take a thing away; what they take away is not sent to anybody.
REMOVING_VERBS = words(
    "delete remove destroy drop purge truncate wipe erase empty clear cancel discard trash archive "
    "close dismiss mark mute snooze unassign rm unshare revoke kick ban unsubscribe star unstar "
    "label unlabel tag untag move rename pin unpin react lock unlock reject decline"
)

#: Verbs that bring something into being; a `name` they take is a new one.
CREATING_VERBS = words(
    "create add make insert register new draft compose save write generate record build mkdir "
    "duplicate fork clone upsert schedule book"
)

#: What administrators administer: an effect on one of these is class admin.
ADMIN_NOUNS = words(
    "permission role acl credential password passphrase secret collaborator webhook firewall mfa "
    "2fa totp oauth sso certificate forwarding visibility ownership membership privilege setting "
    "configuration protection impersonation rolebinding entitlement scope allowlist denylist "
    "whitelist blacklist passkey"
)
ADMIN_PHRASES = (
    ("api", "key"),
    ("ssh", "key"),
    ("deploy", "key"),
    ("access", "key"),
    ("signing", "key"),
    ("gpg", "key"),
    ("public", "key"),
    ("private", "key"),
    ("access", "token"),
    ("api", "token"),
    ("auth", "token"),
    ("personal", "token"),
    ("service", "account"),
    ("access", "policy"),
    ("security", "policy"),
    ("security", "group"),
    ("iam", "policy"),
    ("bucket", "policy"),
    ("network", "policy"),
    ("password", "policy"),
    ("resource", "policy"),
    ("key", "policy"),
    ("access", "level"),
    ("access", "rule"),
    ("user", "access"),
    ("branch", "rule"),
    ("role", "binding"),
    ("delegate", "access"),
    ("audit", "log"),
    ("retention", "policy"),
    ("two", "factor"),
    ("open", "port"),
    ("expose", "port"),
    ("change", "pin"),
    ("set", "pin"),
    ("reset", "pin"),
    ("update", "pin"),
)
#: Administered where they are the object itself (`create_user`), not where they are addressed
#: (`add_member_to_meeting`) or described (`update_user_profile`).
MEMBER_NOUNS = words("user member admin administrator moderator team_member employee_account")
SOCIAL_PLACES = words(
    "channel chat conversation room group event meeting thread appointment call board list "
    "calendar dm space huddle"
)
DESCRIBING_NOUNS = words(
    "info profile detail status preference avatar name bio photo address picture note field "
    "attribute property tag label data information story message task record subscription"
)

#: Money and goods that move when one of these is made, placed or scheduled.
MONEY_NOUNS = words(
    "payment transaction transfer payout refund donation withdrawal deposit remittance order trade "
    "purchase checkout booking reservation debit disbursement"
)
MONEY_VERBS = words(
    "create make add place submit schedule initiate start send update modify edit set execute "
    "confirm approve process new authorize authorise complete post"
)

#: Verbs that move money by themselves.
PAYING_VERBS = words(
    "pay repay wire remit donate transfer withdraw deposit stake swap tip lend refund settle"
)

#: What others receive as soon as it exists: making one is sending it.
MESSAGE_NOUNS = words(
    "message msg email mail dm pm sms mms tweet post comment reply notification invitation invite "
    "announcement newsletter fax broadcast text story"
)
#: Of those, the ones that stay editable where they are.
EDITABLE_MESSAGE_NOUNS = words("comment post reply story")

#: Made in places that others read.
SHARED_NOUNS = words(
    "issue pull gist discussion release repository repo wiki page branch commit ticket review "
    "thread bug merge tweet feed site blog website package paste snippet channel"
)

#: Reached over the open web: a read with one of these goes out.
WEB_NOUNS = words(
    "web webpage website internet url http https online google bing brave duckduckgo serp www html "
    "site sitemap curl wget browser dns whois"
)

#: Where the head of a tool's name is one of these, the name alone says that it looks.
READ_HEADS = words(
    "status history info information detail count statistic stat summary overview limit balance "
    "metadata usage metric availability forecast schema version health profile location list "
    "result weather price quote rate score report log time date day me"
)

#: A link with one of these words opens a thing to whoever holds the link.
OPENING_WORDS = words("presigned signed shared share sharing public shareable guest")
#: Flags and choices of these words open a thing to everybody, or keep it closed.
OPEN_WORDS = words("public anyone anybody everyone world anonymous internet unauthenticated")
CLOSED_WORDS = words(
    "private secret restricted confidential hidden authenticated protected internal unlisted"
)
#: What is converted by mere computing, and what is tracked by mere looking.
COMPUTED_NOUNS = words("currency unit temperature timezone color colour number base money")
TRACKED_NOUNS = words("package shipment order delivery flight parcel train bus price courier")

#: Words in front of a verb that say how often or how, not what.
MODIFIERS = words("bulk batch mass multi multiple async auto quick try mcp tool")

#: A name that begins so names a thing.
NOUN_LEADS = words("current my latest recent available active upcoming own all")
