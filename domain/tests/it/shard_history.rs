//! Random histories of a shard, small enough that everything meets everything.

use proptest::collection::vec;
use proptest::prelude::*;
use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::Request;
use redeemd_domain::shard::{Change, Command, List, Redeem};
use redeemd_domain::slot::Slot;
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Manner, request};

/// What can happen in a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A command about a code, with a key and a body where it is keyed.
    OnCode { deed: Deed, code: CodeKey, key: Option<(u8, u8)>, manner: Manner },
    /// A campaign's rules change; or, where `stale`, an outdated change comes again.
    Put { campaign: u32, rules: Rules, stale: bool },
    /// Listed codes are brought in.
    List { campaign: u32, digests: Vec<Digest> },
    /// The ledger's durable coverage moves on.
    Cover(u8),
    /// Time passes, in milliseconds.
    Pass(u64),
    /// The clock is set back, in milliseconds; entries are never stamped backwards.
    SetBack(u64),
}

/// What can be done to a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Redeem,
    Revoke,
    Restore,
}

/// The rules that a campaign can be given. Issuing is cumulative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) status: Status,
    pub(crate) window: Window,
    pub(crate) uses_per_code: Option<u32>,
    pub(crate) issue: u64,
}

pub(crate) const CAMPAIGNS: u32 = 4;

/// Three slots of the shard: the first, some other, and the last.
const SLOTS: [u16; 3] = [384, 401, 511];

pub(crate) fn digest() -> impl Strategy<Value = Digest> {
    (prop::sample::select(&SLOTS[..]), 0..6u8).prop_map(|(slot, place)| {
        let mut bytes = [place * 40; 16];
        let [first, second] = ((slot << 6) | u16::from(place)).to_be_bytes();
        (bytes[0], bytes[1]) = (first, second);
        Digest::from_bytes(bytes)
    })
}

pub(crate) fn code() -> impl Strategy<Value = CodeKey> {
    let sealed = (prop::sample::select(&SLOTS[..]), 1..=CAMPAIGNS, 0..4u32);
    let sealed = sealed.prop_map(|(slot, campaign, index)| {
        let campaign = CampaignNumber(campaign);
        let serial = Serial::at(Slot::new(slot).unwrap(), campaign, index).unwrap();
        CodeKey::Sealed { campaign, serial }
    });
    prop_oneof![3 => sealed, 2 => digest().prop_map(CodeKey::Listed)]
}

fn rules() -> impl Strategy<Value = Rules> {
    let status = prop_oneof![
        8 => Just(Status::Active), 2 => Just(Status::Paused), 1 => Just(Status::Archived)
    ];
    let bound = || prop_oneof![3 => Just(None), 1 => (900..1400u64).prop_map(Some)];
    // The second makes bitmaps of several words, of which only the first is ever used.
    let issue = prop_oneof![5 => 0..3000u64, 1 => Just(500_000)];
    let uses = prop_oneof![3 => Just(Some(1)), 3 => (0..4u32).prop_map(Some), 2 => Just(None)];
    (status, bound(), bound(), uses, issue).prop_map(
        |(status, starts_at, expires_at, uses_per_code, issue)| Rules {
            status,
            window: Window {
                starts_at: starts_at.map(Timestamp),
                expires_at: expires_at.map(Timestamp),
            },
            uses_per_code,
            issue,
        },
    )
}

fn on_code() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        6 => Just(Deed::Redeem), 1 => Just(Deed::Revoke), 1 => Just(Deed::Restore)
    ];
    let key = prop_oneof![1 => Just(None), 3 => (0..3u8, prop_oneof![5 => Just(0u8), 1 => Just(1)]).prop_map(Some)];
    (deed, code(), key, any::<(bool, bool)>()).prop_map(|(deed, code, key, (early, overtaken))| {
        Step::OnCode { deed, code, key, manner: Manner { early, overtaken } }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => on_code(),
        3 => (1..=CAMPAIGNS, rules(), prop::bool::weighted(0.2))
            .prop_map(|(campaign, rules, stale)| Step::Put { campaign, rules, stale }),
        2 => (1..=CAMPAIGNS, vec(digest(), 0..6))
            .prop_map(|(campaign, digests)| Step::List { campaign, digests }),
        3 => any::<u8>().prop_map(Step::Cover),
        2 => (0..60u64).prop_map(Step::Pass),
        1 => (0..60u64).prop_map(Step::SetBack),
    ]
}

/// A history, which begins with a campaign or two so that not everything is refused.
pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    (rules(), rules(), vec(step(), 1..160)).prop_map(|(one, two, mut steps)| {
        let open = |rules| Rules { status: Status::Active, window: Window::default(), ..rules };
        let first = [
            Step::Put { campaign: 1, rules: open(one), stale: false },
            Step::Put { campaign: 2, rules: open(two), stale: false },
        ];
        steps.splice(0..0, first);
        steps
    })
}

/// The request of a step about a code. What it is about includes what is to be done.
pub(crate) fn request_of(deed: Deed, code: &CodeKey, key: Option<(u8, u8)>) -> Option<Request> {
    let (key, body) = key?;
    let subject = [&[deed as u8], &code.canonical()[..]].concat();
    Some(request(key, &subject, body))
}

/// The command of a step about a code. Metadata tells the bodies apart.
pub(crate) fn command(deed: Deed, code: CodeKey, key: Option<(u8, u8)>) -> Command {
    let request = request_of(deed, &code, key);
    let api_key = ApiKeyNumber(1);
    let change = || Change { code, reason: "because".into(), api_key, request };
    match deed {
        Deed::Redeem => {
            let metadata = key.map(|(key, body)| format!("{{\"a\":[{key},{body}]}}").into());
            Command::Redeem(Redeem { code, user: "ada".into(), metadata, api_key, request })
        }
        Deed::Revoke => Command::Revoke(change()),
        Deed::Restore => Command::Restore(change()),
    }
}

pub(crate) fn list(campaign: u32, digests: Vec<Digest>) -> Command {
    let campaign = CampaignNumber(campaign);
    Command::List(List { campaign, digests, api_key: ApiKeyNumber(1) })
}

/// The view that rules make of a campaign's former view.
pub(crate) fn next_view(
    campaign: u32,
    former: Option<CampaignView>,
    rules: &Rules,
) -> CampaignView {
    CampaignView {
        number: CampaignNumber(campaign),
        revision: Revision(former.map_or(0, |former| former.revision.0) + 1),
        status: rules.status,
        window: rules.window,
        uses_per_code: rules.uses_per_code,
        issued: former.map_or(0, |former| former.issued) + rules.issue,
    }
}
