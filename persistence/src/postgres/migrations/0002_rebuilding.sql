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
