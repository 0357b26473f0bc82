"""The tables; what is sealed is a blob named `*_sealed`.

The migrations in `storage/migrations` make these tables; a test holds the two equal. The log's tables are written by
`consent_log` on a connection of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from storage.columns import UtcTime, metadata

HEAD = "0008"  # the newest migration; a test holds it equal to the scripts

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),  # random; part of the log's origin
    Column("key_fingerprint", String, nullable=False),
    Column("log_vkey", Text, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)

users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("email", String, nullable=False, unique=True),  # as typed, lower case
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("place", String, nullable=False, server_default=""),  # code of a jurisdiction; empty: not said
    Column("host_rules", Text, nullable=False, server_default="{}"),  # JSON: what the host wants of every meeting
)

calendars = Table(
    "calendars",
    metadata,
    Column("id", String, primary_key=True),
    Column("host_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("provider", String, nullable=False),
    Column("title", String, nullable=False),
    Column("address_sealed", LargeBinary, nullable=False),
    Column("enabled", Boolean(create_constraint=True, name="is_bool"), nullable=False),
    Column("rule", String, nullable=False),
    Column("fallback", String, nullable=False, server_default=""),  # rule when not everyone agrees; empty: leave
    Column("language", String, nullable=False),
    Column("sync_state_sealed", LargeBinary),  # provider's cursor: may hold addresses and tokens
    Column("last_synced_at", UtcTime),
    Column("last_error", Text),
    Column("broken_events", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # NULL: connected by its address alone. No foreign key: SQLite adds one only by making the table anew, and dropping
    # the old table would take every meeting's calendar away.
    Column("account_id", String),
    Column("time_zone", String, nullable=False, server_default="UTC"),  # of times that name none
    Column("is_others", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("needs_wider", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("recorded", String, nullable=False, server_default="all"),
    Column("skip_words", Text, nullable=False, server_default="[]"),  # JSON list
    Column("externals", String, nullable=False, server_default="any"),
    Column("join_early_s", Integer),  # NULL: as the installation does
    Column("last_used_at", UtcTime),  # the host signed in, switched it on, or kept a recording from it
    Column("warned_at", UtcTime),  # the host was told that it goes off unless it is used
    Column("off_because", Text, nullable=False, server_default=""),  # why it went off by itself; empty: it did not
    Column("told_changes", Integer, nullable=False, server_default="0"),  # notices of change, counted
    Index(None, "account_id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("host_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("provider", String, nullable=False),
    Column("name", String, nullable=False),  # as the service calls it, usually a mail address
    Column("tenant", String, nullable=False),
    Column("own_addresses", Text, nullable=False),  # JSON list
    Column("credentials_sealed", LargeBinary, nullable=False),
    Column("is_wider", Boolean(create_constraint=False), nullable=False),
    Column("generation", Integer, nullable=False),  # grows when it is connected again; fences what belongs to before
    Column("problem", Text, nullable=False, server_default=""),  # for the host; not empty: connect again
    Column("connected_at", UtcTime, nullable=False),
    UniqueConstraint("host_id", "provider", "tenant", "name"),
)

watches = Table(
    "watches",
    metadata,
    Column("id", String, primary_key=True),
    Column("calendar_id", ForeignKey("calendars.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("provider", String, nullable=False),
    Column("remote_id", String, nullable=False),  # the service's
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("extra_sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    UniqueConstraint("provider", "remote_id"),
)

meetings = Table(
    "meetings",
    metadata,
    Column("id", String, primary_key=True),
    Column("host_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("calendar_id", ForeignKey("calendars.id", ondelete="SET NULL")),
    Column("occurrence_key", String, nullable=False),
    Column("title", String, nullable=False),
    Column("organiser", String, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime),
    Column("link_sealed", LargeBinary),
    Column("platform", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("override", String),
    Column("room_mark", String, nullable=False, server_default=""),  # the same for links into one room; empty: no link
    Column("recall", Text),  # why its bot has to leave; NULL: it may stay
    Column("rule", String, nullable=False),
    Column("fallback", String, nullable=False, server_default=""),
    Column("series", String, nullable=False, server_default=""),  # names what recurs; empty: nothing does
    Column("language", String, nullable=False),
    Column("state", String, nullable=False),
    Column("outcome", Text),  # why it ended, for the host
    Column("epoch", Integer, nullable=False),
    Column("owner", String),
    Column("alive_ms", BigInteger),  # boot clock of `alive_boot_id`, from the media (law 9)
    Column("alive_boot_id", String),
    UniqueConstraint("calendar_id", "occurrence_key"),
    Index(None, "host_id", "starts_at"),
    Index(None, "state", "starts_at"),
    Index(None, "room_mark", "starts_at"),
)

visits = Table(
    "visits",
    metadata,
    Column("id", String, primary_key=True),
    Column("meeting_id", ForeignKey("meetings.id", ondelete="RESTRICT"), nullable=False, unique=True),
    Column("host_id", ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("left_reason", String),
    Column("detail", Text, nullable=False),
    Column("rule", String, nullable=False),
    Column("language", String, nullable=False),
    Column("boot_id", String, nullable=False),
    Column("started_boot_ms", BigInteger, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("consent_status", String, nullable=False),  # sorted, joined by ","; "" until tagged
    Column("kept_ms", BigInteger, nullable=False),
    Column("words", Integer, nullable=False),
    Column("transcription_state", String, nullable=False),
    Column("transcription_permille", Integer, nullable=False),
    Column("transcription_tries", Integer, nullable=False),
    Column("page_token_sha256", LargeBinary, nullable=False, unique=True),
    Column("page_token_sealed", LargeBinary, nullable=False),
    Column("reduced_at", UtcTime),  # when the rows of whoever never agreed were erased (law 11)
    Index(None, "started_at", "id"),
    Index(None, "host_id", "started_at", "id"),
    Index(None, "consent_status", "started_at", "id"),
    Index(None, "transcription_state", "ended_at"),
)

seats = Table(
    "seats",
    metadata,
    Column("visit_id", ForeignKey("visits.id", ondelete="CASCADE"), primary_key=True),
    Column("seat", String, primary_key=True),
    Column("number", Integer, nullable=False),  # in order of the first join
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
)

stays = Table(
    "stays",
    metadata,
    Column("visit_id", String, primary_key=True),
    Column("seat", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("boot_id", String, nullable=False),
    Column("joined_ms", BigInteger, nullable=False),
    Column("left_ms", BigInteger),
)

pages = Table(
    "pages",
    metadata,
    Column("id_sha256", LargeBinary, primary_key=True),
    Column("id_sealed", LargeBinary, nullable=False),
    Column("visit_id", ForeignKey("visits.id", ondelete="CASCADE"), nullable=False),
    Column("code", String, nullable=False),
    Column("seat", String),
    Column("choices", Text),  # JSON: purpose -> bool; None until the person chose
    Column("alone_on_device", Boolean(create_constraint=True, name="is_bool")),
    Column("people", Integer),  # how many share the seat, as this page was told
    Column("place", String, nullable=False, server_default=""),  # where this person is, as they said
    Column("notice_sha256", String, nullable=False, server_default=""),  # the text that was answered on it
    Column("agreement", String, nullable=False, server_default=""),  # what was said ahead, that it continues
    Column("bound_by", String, nullable=False, server_default=""),  # how it was tied to its seat; empty: its code
    Column("opened_at", UtcTime, nullable=False),
    UniqueConstraint("visit_id", "code"),
    Index(None, "visit_id", "seat"),
)

seat_codes = Table(  # spoken to whoever cannot read a chat; typed on a page, they tie it to the seat
    "seat_codes",
    metadata,
    Column("visit_id", ForeignKey("visits.id", ondelete="CASCADE"), primary_key=True),
    Column("code", String, primary_key=True),
    Column("seat", String, nullable=False),
    Column("made_at", UtcTime, nullable=False),
)

invitations = Table(  # the public page on which a meeting's or a series' guests may answer ahead
    "invitations",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("token_sealed", LargeBinary, nullable=False),
    Column("host_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("covers", String, nullable=False),  # "meeting" or "series"
    Column("about", String, nullable=False),  # the meeting's id, or its `series`
    UniqueConstraint("host_id", "covers", "about"),
)

personal_links = Table(  # the same for one invitee alone; the address carries a signature and its own end
    "personal_links",
    metadata,
    Column("id_sha256", LargeBinary, primary_key=True),
    Column("id_sealed", LargeBinary, nullable=False),
    Column("host_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("covers", String, nullable=False),
    Column("about", String, nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("email_sealed", LargeBinary, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Index(None, "host_id", "about"),
)

agreements = Table(  # what each page said last; the log has all of it, and `verify` holds the two equal
    "agreements",
    metadata,
    Column("id", String, primary_key=True),
    Column("host_id", ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("covers", String, nullable=False),
    Column("about", String, nullable=False),
    Column("name", String, nullable=False),  # as the person gave it; may be empty with a no
    Column("choices", Text, nullable=False),  # JSON: purpose -> bool
    Column("said_at", UtcTime, nullable=False),
    Column("until", String, nullable=False),  # ISO 8601 date; it ends with that day (UTC)
    Column("notice_version", String, nullable=False),
    Column("notice_language", String, nullable=False),
    Column("notice_sha256", String, nullable=False),
    Column("personal_link", ForeignKey("personal_links.id_sha256", ondelete="RESTRICT")),
    Column("page_sha256", LargeBinary, nullable=False, unique=True),
    Column("page_sealed", LargeBinary, nullable=False),
    Column("log_index", Integer, nullable=False),  # of the entry that says this
    Column("withdrawn_at", UtcTime),
    Index(None, "host_id", "about"),
)

agreement_ids = Table(  # whom the platform knows to be the person of an agreement
    "agreement_ids",
    metadata,
    Column("agreement_id", ForeignKey("agreements.id", ondelete="CASCADE"), primary_key=True),
    Column("platform_id_sha256", String, primary_key=True),
    Column("name", String, nullable=False),  # that they had in the meeting when it was tied
    Column("tied_at", UtcTime, nullable=False),
)

host_notes = Table(
    "host_notes",
    metadata,
    Column("visit_id", ForeignKey("visits.id", ondelete="CASCADE"), primary_key=True),
    Column("notes_sealed", LargeBinary, nullable=False),
    Column("written_at", UtcTime, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("text_sha256", String, primary_key=True),
    Column("notice", String, nullable=False),
    Column("version", String, nullable=False),
    Column("language", String, nullable=False),
    Column("spoken_sealed", LargeBinary, nullable=False),
    Column("post_sealed", LargeBinary, nullable=False),  # a notice carries the page's link
    Column("page_sealed", LargeBinary, nullable=False),
    Column("kept_at", UtcTime, nullable=False),
)

publications = Table(  # versions of the notice, in order
    "publications",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String, nullable=False),
    Column("content", LargeBinary, nullable=False),  # canonical JSON: sentences and what the installation states
    Column("in_use_since", UtcTime, nullable=False),
    Column("published_at", UtcTime),  # when an admin said whether older agreements hold; until then they do not
    Column("published_by", String),
    Column("renews", Boolean(create_constraint=True, name="is_bool")),  # older agreements must be renewed
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("id", String, primary_key=True),
    Column("visit_id", ForeignKey("visits.id", ondelete="RESTRICT"), nullable=False, index=True),
    Column("seat", String, nullable=False),
    Column("language", String, nullable=False),
    Column("model", String, nullable=False),
    Column("utterances", Integer, nullable=False),
    Column("words", Integer, nullable=False),
    Column("segments", Text, nullable=False),  # JSON list
    Column("relies_on", Text, nullable=False),  # JSON list of log indices
    Column("key_id", String, nullable=False),
    Column("sha256", String, nullable=False),
)

erasures = Table(  # ordered and not yet finished: a row is gone when what it names is
    "erasures",
    metadata,
    Column("id", String, primary_key=True),
    Column("visit_id", ForeignKey("visits.id", ondelete="RESTRICT"), index=True),  # None: of no visit
    Column("authority", Text, nullable=False),
    Column("targets", Text, nullable=False),  # JSON
    Column("ordered_at", UtcTime, nullable=False),
)

erasure_wishes = Table(  # of people, in a meeting that may still run; kept to show when it was done
    "erasure_wishes",
    metadata,
    Column("id", String, primary_key=True),
    Column("visit_id", ForeignKey("visits.id", ondelete="RESTRICT"), nullable=False, index=True),
    Column("seat", String, nullable=False),
    Column("page", String, nullable=False),  # on which it was asked for, by its name in the log
    Column("before_index", Integer, nullable=False),  # what relies on a yes that was logged later stays
    Column("authority", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("erased_at", UtcTime),
    Column("is_settled", Boolean(create_constraint=True, name="is_bool"), nullable=False),  # nothing can follow
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("idx", Integer, primary_key=True),
    Column("event_id", String, nullable=False, unique=True),
    Column("visit", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("leaf", LargeBinary, nullable=False),  # canonical JSON: what is hashed
    Column("leaf_hash", LargeBinary, nullable=False),
    Index(None, "visit", "kind"),
)

log_bodies = Table(
    "log_bodies",
    metadata,
    Column("idx", ForeignKey("log_leaves.idx", ondelete="RESTRICT"), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical JSON of the event
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", Integer, primary_key=True),
    Column("note", Text, nullable=False),
)

log_frontier = Table(
    "log_frontier",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("frontier", Text, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)
