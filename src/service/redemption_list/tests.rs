//! Pages of random ledgers beside a list that is sorted.

use std::collections::BTreeMap;

use proptest::prelude::*;
use redeemd_actors::ledger_record;
use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::shard::{Changed, Event, Redemption};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::ledger::{Batch, Ledger, Settings};

use super::*;

const LAYOUT: ShardLayout = ShardLayout::new(4).unwrap();

/// One entry: its shard, how many entries without a record come before it, how much time has passed
/// in its shard, its user and its campaign; no redemption where there is no user.
type Step = (u16, u64, u64, Option<u8>, u8);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = prop::option::weighted(0.8, 0..3u8);
    prop::collection::vec((0..4u16, 0..3u64, 0..3u64, user, 1..3u8), 0..300)
}

/// A ledger, and what it holds.
struct Kept {
    ledger: Ledger,
    records: Vec<(Place, Record)>,
    last: BTreeMap<u16, (u64, u64)>,
    _folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::new(folder.path()));
        let settings = Settings { index_batch_entries: 20, ..Settings::new([1; 16], [2; 16]) };
        let (ledger, _) = Ledger::open(disk, settings).unwrap();
        Self { ledger, records: Vec::new(), last: BTreeMap::new(), _folder: folder }
    }

    fn append(&mut self, (shard, skipped, passed, user, campaign): Step) {
        let last = self.last.entry(shard).or_insert((0, 1_000));
        let first = last.0 + 1;
        *last = (first + skipped, last.1 + passed);
        let (number, at) = (last.0, Timestamp(last.1));
        let campaign = CampaignNumber(campaign.into());
        // A serial in a slot of the shard.
        let slot = u64::from(LAYOUT.slots_of(shard).start) + 1024 - u64::from(campaign.0);
        let code = CodeKey::Sealed { campaign, serial: Serial::new(slot).unwrap() };
        assert_eq!(LAYOUT.shard_of(code.slot()), shard);
        let event = match user {
            Some(user) => Event::Redeemed(Redemption {
                code,
                campaign,
                revision: Revision(1),
                generation: 0,
                uses_left: None,
                user: format!("user-{user}").into(),
                metadata: None,
            }),
            None => Event::Revoked(Changed { code, campaign, reason: "x".into() }),
        };
        let record = Record { number, at, api_key: ApiKeyNumber(1), request: None, event };
        let mut batch = Batch::new(SequenceId::shard(shard), first, self.ledger.key_hasher());
        ledger_record::push(&record, &mut batch, &mut Vec::new()).unwrap();
        self.ledger.append(&batch).unwrap();
        self.records.push((Place { at, shard, number }, record));
    }

    /// The places that a filter admits, the newest first.
    fn expected(&self, filter: &Filter) -> Vec<Place> {
        let mut places = Vec::new();
        for (place, record) in &self.records {
            let Event::Redeemed(redemption) = &record.event else { continue };
            let is_users = filter.user.is_none() || filter.user.as_ref() == Some(&redemption.user);
            let is_campaigns = filter.campaign.unwrap_or(redemption.campaign);
            let from = filter.from.map_or(0, |from| from.0);
            let to = filter.to.map_or(u64::MAX, |to| to.0);
            if is_users && is_campaigns == redemption.campaign && (from..to).contains(&record.at.0)
            {
                places.push(*place);
            }
        }
        places.sort_by_key(|place| Reverse(*place));
        places
    }

    fn page(&self, filter: &Filter, cursor: Option<Cursor>, ends: Ends) -> Records {
        let reader = self.ledger.reader();
        let page = match (&filter.user, cursor) {
            (Some(user), Some(Cursor::Appended(bits))) => {
                of_user(&reader, user, filter, Locator::from_bits(bits), ends)
            }
            (Some(user), _) => of_user(&reader, user, filter, Locator::END, ends),
            (None, Some(Cursor::Timed(place))) => of_all(&reader, 4, filter, Some(place), ends),
            (None, _) => of_all(&reader, 4, filter, None, ends),
        };
        page.unwrap()
    }

    /// All pages; `between` happens before each but the first.
    fn pages(&mut self, filter: &Filter, ends: Ends, mut between: Vec<Step>) -> Vec<Place> {
        let (mut places, mut cursor) = (Vec::new(), None);
        // Each page looks at one record at least, so this many are enough.
        for _ in 0..=2 * self.records.len() + 300 {
            let (records, next) = self.page(filter, cursor, ends);
            assert!(records.len() <= ends.redemptions);
            for record in &records {
                let (id, _) = record.redemption().unwrap();
                let shard = LAYOUT.shard_of(id.slot);
                places.push(Place { at: record.at, shard, number: record.number });
            }
            if next.is_none() {
                return places;
            }
            cursor = next;
            between.pop().into_iter().for_each(|step| self.append(step));
        }
        panic!("the pages do not end");
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let campaign = prop::option::weighted(0.4, 1..3u32);
    let moments = [(); 2].map(|()| prop::option::weighted(0.4, 995..1_200u64));
    (campaign, moments).prop_map(|(campaign, [from, to])| Filter {
        user: None,
        campaign: campaign.map(CampaignNumber),
        from: from.map(Timestamp),
        to: to.map(Timestamp),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_have_everything_once_and_in_order(
        steps in steps(), filter in filters(), redemptions in 1..40usize, records in 1..60usize,
        later in prop::collection::vec((0..4u16, 0..3u64, 700..800u64, Just(Some(1u8)), 1..3u8), 0..10),
    ) {
        let mut kept = Kept::new();
        steps.into_iter().for_each(|step| kept.append(step));
        let expected = kept.expected(&filter);
        // What is redeemed later is newer than everything that a page after the first can have.
        let found = kept.pages(&filter, Ends { redemptions, records }, later);
        prop_assert_eq!(found, expected);

        let of_user = Filter { user: Some("user-1".into()), ..filter };
        let expected = kept.expected(&of_user);
        let ends = Ends { redemptions: 1_000, records: 1_000 };
        prop_assert_eq!(&kept.pages(&of_user, ends, Vec::new()), &expected);
        // In short pages the order is that of the ledger from one to the next.
        let mut found = kept.pages(&of_user, Ends { redemptions, records }, Vec::new());
        found.sort_by_key(|place| Reverse(*place));
        prop_assert_eq!(found, expected);
    }
}
