CREATE TABLE redeemd.directory (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id text NOT NULL,
    epoch_number bigint NOT NULL,
    epoch_mark text NOT NULL,
    shards integer NOT NULL,
    writer text,
    since timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE redeemd.directory IS 'The one data directory whose outcomes are in this database. Another one, or another life of the same, is refused.';
COMMENT ON COLUMN redeemd.directory.only_one IS 'Always true: there is one row at most.';
COMMENT ON COLUMN redeemd.directory.id IS 'The data directory''s identifier, 32 hex digits.';
COMMENT ON COLUMN redeemd.directory.epoch_number IS 'How often the directory had been restored from a backup or salvaged.';
COMMENT ON COLUMN redeemd.directory.epoch_mark IS 'Random hex digits, drawn at the last of those times; zeros before.';
COMMENT ON COLUMN redeemd.directory.shards IS 'Into how many shards its codes are divided.';
COMMENT ON COLUMN redeemd.directory.writer IS 'Random hex digits of the server process that may write here. Another one takes its place only where everything that is here is in its own past, too.';
COMMENT ON COLUMN redeemd.directory.since IS 'When its first outcomes were written here.';

CREATE TABLE redeemd.watermarks (
    sequence smallint PRIMARY KEY,
    through bigint NOT NULL DEFAULT 0 CHECK (through >= 0),
    chain bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE redeemd.watermarks IS 'How far each sequence of entries is written here. A row changes in the transaction that writes the rows it speaks of, and never backwards.';
COMMENT ON COLUMN redeemd.watermarks.sequence IS '0 for the control sequence (campaigns, keys); shard n is n + 1.';
COMMENT ON COLUMN redeemd.watermarks.through IS 'The number of the last entry whose outcome is here.';
COMMENT ON COLUMN redeemd.watermarks.chain IS 'A digest over all outcomes up to there, by which another directory, or another past of the same, is told apart.';
COMMENT ON COLUMN redeemd.watermarks.written_at IS 'When this row was changed last, by the clock of this database.';

CREATE TABLE redeemd.campaigns (
    number bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL,
    codes text NOT NULL,
    pattern text,
    issued bigint NOT NULL,
    starts_at timestamptz,
    expires_at timestamptz,
    uses_per_code bigint,
    uses_per_user bigint,
    uses_per_user_per text,
    total_uses bigint,
    currency text,
    balance_minor_units bigint,
    reward json,
    metadata json,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    entry bigint NOT NULL
);
COMMENT ON TABLE redeemd.campaigns IS 'Campaigns as they are now. What they were before stands in redeemd.audit.';
COMMENT ON COLUMN redeemd.campaigns.number IS 'The campaign''s number, by which all other tables name it.';
COMMENT ON COLUMN redeemd.campaigns.id IS 'Its identifier in the interface: camp_ and 16 characters.';
COMMENT ON COLUMN redeemd.campaigns.name IS 'What people call it.';
COMMENT ON COLUMN redeemd.campaigns.status IS 'active, paused or archived.';
COMMENT ON COLUMN redeemd.campaigns.codes IS 'Where its codes come from: sealed, pattern or imported.';
COMMENT ON COLUMN redeemd.campaigns.pattern IS 'What its codes look like, where they are drawn by a pattern.';
COMMENT ON COLUMN redeemd.campaigns.issued IS 'How many codes were issued; imported ones are not counted here but in redeemd.codes.';
COMMENT ON COLUMN redeemd.campaigns.starts_at IS 'Since when its codes may be redeemed; null: ever since.';
COMMENT ON COLUMN redeemd.campaigns.expires_at IS 'The first moment too late to redeem them; null: never.';
COMMENT ON COLUMN redeemd.campaigns.uses_per_code IS 'How often each code may be redeemed; null: without limit.';
COMMENT ON COLUMN redeemd.campaigns.uses_per_user IS 'How often one user may redeem its codes; null: without limit.';
COMMENT ON COLUMN redeemd.campaigns.uses_per_user_per IS 'In how long: ever, day, week or month; null where there is no such limit.';
COMMENT ON COLUMN redeemd.campaigns.total_uses IS 'How often its codes may be redeemed altogether; null: without limit.';
COMMENT ON COLUMN redeemd.campaigns.currency IS 'The currency of its codes'' balances (ISO 4217); null where they have none.';
COMMENT ON COLUMN redeemd.campaigns.balance_minor_units IS 'What each code is worth before it is first spent from, in the currency''s minor units.';
COMMENT ON COLUMN redeemd.campaigns.reward IS 'What a redemption grants now.';
COMMENT ON COLUMN redeemd.campaigns.metadata IS 'What the campaign''s owner noted.';
COMMENT ON COLUMN redeemd.campaigns.revision IS 'Counts its changes, issuing included.';
COMMENT ON COLUMN redeemd.campaigns.created_at IS 'When it was made.';
COMMENT ON COLUMN redeemd.campaigns.changed_at IS 'When it was changed last.';
COMMENT ON COLUMN redeemd.campaigns.entry IS 'The number of the entry of the control sequence that changed it last.';

CREATE TABLE redeemd.api_keys (
    number bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    role text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE redeemd.api_keys IS 'API keys, without anything that could be used in their place.';
COMMENT ON COLUMN redeemd.api_keys.number IS 'The number by which all other tables name it; 0 there is the server itself.';
COMMENT ON COLUMN redeemd.api_keys.id IS 'Its identifier in the interface: key_ and 16 characters.';
COMMENT ON COLUMN redeemd.api_keys.role IS 'What it may do: admin, issuer, redeemer, auditor or public.';
COMMENT ON COLUMN redeemd.api_keys.name IS 'What people call it.';
COMMENT ON COLUMN redeemd.api_keys.created_at IS 'When it was let in.';
COMMENT ON COLUMN redeemd.api_keys.revoked_at IS 'When it was shut out; null while it is let in.';

CREATE TABLE redeemd.codes (
    code bytea PRIMARY KEY,
    campaign bigint NOT NULL,
    listed_at timestamptz NOT NULL,
    sequence smallint NOT NULL,
    entry bigint NOT NULL
);
CREATE INDEX codes_campaign ON redeemd.codes (campaign);
CREATE INDEX codes_time ON redeemd.codes USING brin (listed_at);
COMMENT ON TABLE redeemd.codes IS 'Listed codes (imported ones, and those drawn by a pattern), known by their keyed digests. Sealed codes carry their identity themselves and stand here nowhere.';
COMMENT ON COLUMN redeemd.codes.code IS 'The code''s key: 01 and the keyed digest of its text. Without the server''s secret it tells nothing of the text.';
COMMENT ON COLUMN redeemd.codes.campaign IS 'The number of its campaign.';
COMMENT ON COLUMN redeemd.codes.listed_at IS 'When it was listed.';
COMMENT ON COLUMN redeemd.codes.sequence IS 'The sequence of the entry that listed it.';
COMMENT ON COLUMN redeemd.codes.entry IS 'The number of that entry.';

CREATE TABLE redeemd.redemptions (
    id text COLLATE "C" NOT NULL,
    redeemed_at timestamptz NOT NULL,
    campaign bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    code bytea NOT NULL,
    code_hint text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    generation bigint NOT NULL,
    uses_left bigint,
    amount_minor_units bigint,
    balance_left bigint,
    metadata json,
    api_key bigint NOT NULL,
    request bytea,
    fingerprint bytea,
    hold_entry bigint,
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    rolled_back_at timestamptz,
    rolled_back_entry bigint,
    rollback_reason text,
    returned_minor_units bigint,
    PRIMARY KEY (id, redeemed_at)
) PARTITION BY RANGE (redeemed_at);
CREATE INDEX redemptions_user ON redeemd.redemptions (user_id, redeemed_at);
CREATE INDEX redemptions_campaign ON redeemd.redemptions (campaign, redeemed_at);
CREATE INDEX redemptions_code ON redeemd.redemptions (code);
CREATE INDEX redemptions_time ON redeemd.redemptions USING brin (redeemed_at);
COMMENT ON TABLE redeemd.redemptions IS 'Redemptions, one partition for each month of UTC. Those that were rolled back stay, and say so.';
COMMENT ON COLUMN redeemd.redemptions.id IS 'Its identifier in the interface: red_ and 22 characters, which sort by time.';
COMMENT ON COLUMN redeemd.redemptions.redeemed_at IS 'When the code was redeemed.';
COMMENT ON COLUMN redeemd.redemptions.campaign IS 'The number of the code''s campaign.';
COMMENT ON COLUMN redeemd.redemptions.user_id IS 'Who redeemed it, as the client names its user.';
COMMENT ON COLUMN redeemd.redemptions.code IS 'The code''s key: 00, campaign number and serial of a sealed code, or 01 and the keyed digest of a listed one.';
COMMENT ON COLUMN redeemd.redemptions.code_hint IS 'Eight hex digits by which answers and logs name the code. Two codes may share one.';
COMMENT ON COLUMN redeemd.redemptions.revision IS 'The campaign''s revision under which it was redeemed; it tells the reward.';
COMMENT ON COLUMN redeemd.redemptions.generation IS 'How often the code had been made usable again before.';
COMMENT ON COLUMN redeemd.redemptions.uses_left IS 'How often the code could still be redeemed afterwards; null: without limit.';
COMMENT ON COLUMN redeemd.redemptions.amount_minor_units IS 'What was spent of the code''s balance; null where it has none.';
COMMENT ON COLUMN redeemd.redemptions.balance_left IS 'What the code was worth afterwards, in minor units; null where it has no balance.';
COMMENT ON COLUMN redeemd.redemptions.metadata IS 'What the client noted.';
COMMENT ON COLUMN redeemd.redemptions.api_key IS 'The number of the API key that asked.';
COMMENT ON COLUMN redeemd.redemptions.request IS 'A digest of API key, idempotency key and code, by which a repeated request is known; null where the client gave no idempotency key.';
COMMENT ON COLUMN redeemd.redemptions.fingerprint IS 'A digest of what that request said.';
COMMENT ON COLUMN redeemd.redemptions.hold_entry IS 'The number of the entry that placed the hold which this redemption ended; null without one.';
COMMENT ON COLUMN redeemd.redemptions.sequence IS 'The sequence of the redemption''s entry.';
COMMENT ON COLUMN redeemd.redemptions.entry IS 'The number of that entry.';
COMMENT ON COLUMN redeemd.redemptions.rolled_back_at IS 'When it was rolled back as a whole; null while it stands.';
COMMENT ON COLUMN redeemd.redemptions.rolled_back_entry IS 'The number of the entry that rolled it back, in the same sequence.';
COMMENT ON COLUMN redeemd.redemptions.rollback_reason IS 'Why it was rolled back.';
COMMENT ON COLUMN redeemd.redemptions.returned_minor_units IS 'What was returned of the amount, by partial rollbacks too; null where nothing was.';

CREATE TABLE redeemd.holds (
    id text COLLATE "C" NOT NULL,
    held_at timestamptz NOT NULL,
    campaign bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    code bytea NOT NULL,
    code_hint text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    api_key bigint NOT NULL,
    request bytea,
    fingerprint bytea,
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    ended_at timestamptz,
    ended text,
    ended_entry bigint,
    PRIMARY KEY (id, held_at)
) PARTITION BY RANGE (held_at);
CREATE INDEX holds_entry ON redeemd.holds (sequence, entry);
CREATE INDEX holds_user ON redeemd.holds (user_id, held_at);
CREATE INDEX holds_code ON redeemd.holds (code);
CREATE INDEX holds_campaign ON redeemd.holds (campaign, held_at);
CREATE INDEX holds_time ON redeemd.holds USING brin (held_at);
COMMENT ON TABLE redeemd.holds IS 'Codes that were kept for one user for a short time, one partition for each month of UTC.';
COMMENT ON COLUMN redeemd.holds.id IS 'Its identifier in the interface: hold_ and 22 characters, which sort by time.';
COMMENT ON COLUMN redeemd.holds.held_at IS 'When it was placed.';
COMMENT ON COLUMN redeemd.holds.campaign IS 'The number of the code''s campaign.';
COMMENT ON COLUMN redeemd.holds.user_id IS 'For whom the code is kept.';
COMMENT ON COLUMN redeemd.holds.code IS 'The code''s key, as in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.holds.code_hint IS 'Eight hex digits by which answers and logs name the code.';
COMMENT ON COLUMN redeemd.holds.expires_at IS 'When it ends by itself.';
COMMENT ON COLUMN redeemd.holds.api_key IS 'The number of the API key that asked.';
COMMENT ON COLUMN redeemd.holds.request IS 'As in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.holds.fingerprint IS 'As in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.holds.sequence IS 'The sequence of its entries.';
COMMENT ON COLUMN redeemd.holds.entry IS 'The number of the entry that placed it.';
COMMENT ON COLUMN redeemd.holds.ended_at IS 'When it ended; null while it holds.';
COMMENT ON COLUMN redeemd.holds.ended IS 'How it ended: confirmed, released or expired.';
COMMENT ON COLUMN redeemd.holds.ended_entry IS 'The number of the entry that ended it; a redemption''s where it was confirmed.';

CREATE TABLE redeemd.movements (
    moved_at timestamptz NOT NULL,
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    campaign bigint NOT NULL,
    code bytea NOT NULL,
    kind text NOT NULL,
    amount_minor_units bigint NOT NULL,
    balance_left bigint NOT NULL,
    redemption text COLLATE "C",
    api_key bigint NOT NULL,
    PRIMARY KEY (moved_at, sequence, entry)
) PARTITION BY RANGE (moved_at);
CREATE INDEX movements_code ON redeemd.movements (code, moved_at);
CREATE INDEX movements_campaign ON redeemd.movements (campaign, moved_at);
COMMENT ON TABLE redeemd.movements IS 'Movements of codes'' balances, one partition for each month of UTC.';
COMMENT ON COLUMN redeemd.movements.moved_at IS 'When.';
COMMENT ON COLUMN redeemd.movements.sequence IS 'The sequence of the movement''s entry.';
COMMENT ON COLUMN redeemd.movements.entry IS 'The number of that entry.';
COMMENT ON COLUMN redeemd.movements.campaign IS 'The number of the code''s campaign.';
COMMENT ON COLUMN redeemd.movements.code IS 'The code''s key, as in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.movements.kind IS 'spent, returned or topped_up.';
COMMENT ON COLUMN redeemd.movements.amount_minor_units IS 'How much, in minor units; never negative.';
COMMENT ON COLUMN redeemd.movements.balance_left IS 'What the code was worth afterwards, in minor units.';
COMMENT ON COLUMN redeemd.movements.redemption IS 'The identifier of the redemption that spent it or to which it was returned; null for a top-up.';
COMMENT ON COLUMN redeemd.movements.api_key IS 'The number of the API key that asked.';

CREATE TABLE redeemd.audit (
    at timestamptz NOT NULL,
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    event text NOT NULL,
    api_key bigint NOT NULL,
    campaign bigint,
    code bytea,
    code_hint text COLLATE "C",
    reason text,
    detail json,
    request bytea,
    fingerprint bytea,
    PRIMARY KEY (at, sequence, entry)
) PARTITION BY RANGE (at);
CREATE INDEX audit_campaign ON redeemd.audit (campaign, at);
CREATE INDEX audit_code ON redeemd.audit (code) WHERE code IS NOT NULL;
CREATE INDEX audit_api_key ON redeemd.audit (api_key, at);
COMMENT ON TABLE redeemd.audit IS 'Everything that was changed besides redeeming: campaigns, issuing, imports, keys, revocations. One partition for each month of UTC.';
COMMENT ON COLUMN redeemd.audit.at IS 'When.';
COMMENT ON COLUMN redeemd.audit.sequence IS 'The sequence of the change''s entry.';
COMMENT ON COLUMN redeemd.audit.entry IS 'The number of that entry.';
COMMENT ON COLUMN redeemd.audit.event IS 'What happened, such as campaign_made, codes_issued or code_revoked.';
COMMENT ON COLUMN redeemd.audit.api_key IS 'The number of the API key that asked; 0 is the server itself.';
COMMENT ON COLUMN redeemd.audit.campaign IS 'The number of the campaign that it is about, if it is about one.';
COMMENT ON COLUMN redeemd.audit.code IS 'The key of the code that it is about, if it is about one, as in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.audit.code_hint IS 'Eight hex digits by which answers and logs name that code.';
COMMENT ON COLUMN redeemd.audit.reason IS 'Why, where somebody had to say so.';
COMMENT ON COLUMN redeemd.audit.detail IS 'More of it, by kind of event: a campaign as it became, a range that was issued, counts of an import.';
COMMENT ON COLUMN redeemd.audit.request IS 'As in redeemd.redemptions.';
COMMENT ON COLUMN redeemd.audit.fingerprint IS 'As in redeemd.redemptions.';

CREATE TABLE redeemd.set_aside (
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    reason text NOT NULL,
    record bytea NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now(),
    wanted_at timestamptz,
    PRIMARY KEY (sequence, entry)
);
COMMENT ON TABLE redeemd.set_aside IS 'Outcomes that this database refused for their content, so that they do not stop the others. Their rows stand in no other table.';
COMMENT ON COLUMN redeemd.set_aside.sequence IS 'The sequence of the outcome''s entry.';
COMMENT ON COLUMN redeemd.set_aside.entry IS 'The number of that entry.';
COMMENT ON COLUMN redeemd.set_aside.happened_at IS 'When it happened.';
COMMENT ON COLUMN redeemd.set_aside.reason IS 'What this database said: an SQLSTATE and a message.';
COMMENT ON COLUMN redeemd.set_aside.record IS 'The outcome as the ledger has it.';
COMMENT ON COLUMN redeemd.set_aside.set_aside_at IS 'When it was set aside, or refused again, by the clock of this database.';
COMMENT ON COLUMN redeemd.set_aside.wanted_at IS 'Since when somebody wants it to be tried again; null: nobody does.';

CREATE TABLE redeemd.outcomes (
    sequence smallint NOT NULL,
    entry bigint NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (sequence, entry)
);
COMMENT ON TABLE redeemd.outcomes IS 'Every outcome as the ledger has it, those that were set aside too. A lost data directory is rebuilt from these, so none of them may ever be removed. For reports there are the other tables.';
COMMENT ON COLUMN redeemd.outcomes.sequence IS 'The sequence of the outcome''s entry, as in redeemd.watermarks.';
COMMENT ON COLUMN redeemd.outcomes.entry IS 'The number of that entry.';
COMMENT ON COLUMN redeemd.outcomes.record IS 'The outcome''s bytes in the ledger.';

CREATE TABLE redeemd.withheld (
    entry bigint PRIMARY KEY,
    content bytea NOT NULL
);
COMMENT ON TABLE redeemd.withheld IS 'What outcomes of the control sequence name and do not say: the keys of codes, enciphered under the server''s secret, and digests of API keys. Needed to rebuild a lost data directory, and for nothing else; users who only read reports need no right to it.';
COMMENT ON COLUMN redeemd.withheld.entry IS 'The number of the entry of the control sequence whose outcome it belongs to.';
COMMENT ON COLUMN redeemd.withheld.content IS 'What the outcome does not say, with a checksum.';

CREATE TABLE redeemd.presence (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    seen_at timestamptz,
    complete_until timestamptz
);
INSERT INTO redeemd.presence DEFAULT VALUES;
COMMENT ON TABLE redeemd.presence IS 'Whether the server is running, and up to when what it answered is here.';
COMMENT ON COLUMN redeemd.presence.only_one IS 'Always true: there is one row.';
COMMENT ON COLUMN redeemd.presence.seen_at IS 'When the server said last that it is running, by the clock of this database; null once it ended in an orderly way.';
COMMENT ON COLUMN redeemd.presence.complete_until IS 'Everything that the server had answered by then is here, by the server''s clock.';
