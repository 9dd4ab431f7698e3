//! Random histories of the whole life of a few codes: redeemed, held, confirmed, released, rolled
//! back, topped up, revoked.

use proptest::collection::vec;
use proptest::prelude::*;
use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::rules::{Balance, Currency, Rules};
use redeemd_domain::shard::Otherwise;
use redeemd_domain::slot::Slot;

use crate::harness::Manner;

/// A campaign without rules, whose codes are worth nothing.
pub(crate) const PLAIN: CampaignNumber = CampaignNumber(1);
/// A campaign whose codes are worth [`WORTH`].
pub(crate) const GIFT: CampaignNumber = CampaignNumber(2);
/// What a code of [`GIFT`] is worth when it is new.
pub(crate) const WORTH: u64 = 100;
/// How long ago a redemption may be that is rolled back, in milliseconds.
pub(crate) const MAX_AGE_MS: u64 = 400;

/// What can happen in a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Somebody wants something. Before it, what is due happens, unless it is late.
    Wish { deed: Deed, user: &'static str, key: Option<(u8, u8)>, manner: Manner, late: bool },
    /// A campaign's number of uses and status change.
    Put { campaign: CampaignNumber, uses_per_code: Option<u32>, status: Status },
    /// The ledger's durable coverage moves on.
    Cover(u8),
    /// Time passes, in milliseconds.
    Pass(u64),
}

/// What somebody may want. Earlier redemptions and holds are named by their place among all.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Redeem { code: CodeKey, amount: Option<u64> },
    Hold { code: CodeKey, ttl_ms: u64 },
    Confirm { hold: prop::sample::Index, amount: Option<u64>, otherwise: Otherwise },
    Release { hold: prop::sample::Index },
    RollBack { redemption: prop::sample::Index, amount: Option<u64> },
    TopUp { code: CodeKey, amount: u64 },
    Revoke(CodeKey),
    Restore(CodeKey),
}

/// A sealed code of a campaign in the shard's slot 400.
pub(crate) fn sealed(campaign: CampaignNumber, index: u32) -> CodeKey {
    let serial = Serial::at(Slot::new(400).unwrap(), campaign, index).unwrap();
    CodeKey::Sealed { campaign, serial }
}

/// A listed code of the plain campaign.
pub(crate) fn listed() -> CodeKey {
    let [first, second] = (401_u16 << 6).to_be_bytes();
    let mut bytes = [9; 16];
    (bytes[0], bytes[1]) = (first, second);
    CodeKey::Listed(Digest::from_bytes(bytes))
}

pub(crate) fn rules_of(campaign: CampaignNumber) -> Option<Rules> {
    let currency = Currency::parse("EUR").unwrap();
    let balance = Balance { currency, minor_units: WORTH };
    (campaign == GIFT).then(|| Rules { balance: Some(balance), ..Rules::default() })
}

pub(crate) fn view_of(
    campaign: CampaignNumber,
    revision: u32,
    uses_per_code: Option<u32>,
    status: Status,
) -> CampaignView {
    let (revision, window, issued) = (Revision(revision), Window::default(), 10_000);
    CampaignView { number: campaign, revision, status, window, uses_per_code, issued }
}

fn code() -> impl Strategy<Value = CodeKey> {
    let unissued = sealed(PLAIN, 4_000);
    prop_oneof![
        6 => (0..2u32).prop_map(|index| sealed(PLAIN, index)),
        6 => (0..2u32).prop_map(|index| sealed(GIFT, index)),
        3 => Just(listed()),
        1 => Just(unissued),
    ]
}

fn amount() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![4 => Just(None), 4 => (1..80u64).prop_map(Some), 1 => Just(Some(0))]
}

fn deed() -> impl Strategy<Value = Deed> {
    let any = any::<prop::sample::Index>;
    let otherwise = || prop_oneof![2 => Just(Otherwise::Refuse), 1 => Just(Otherwise::TakeIfFree)];
    // Plain codes are rarely asked for an amount, which is always refused.
    let part = || prop_oneof![3 => Just(None), 1 => amount()];
    prop_oneof![
        8 => (code(), amount()).prop_map(|(code, amount)| {
            let is_gift = matches!(code, CodeKey::Sealed { campaign: GIFT, .. });
            let amount = amount.filter(|&amount| is_gift || amount % 8 == 0);
            Deed::Redeem { code, amount }
        }),
        6 => (code(), 1..150u64).prop_map(|(code, ttl_ms)| Deed::Hold { code, ttl_ms }),
        5 => (any(), part(), otherwise())
            .prop_map(|(hold, amount, otherwise)| Deed::Confirm { hold, amount, otherwise }),
        2 => any().prop_map(|hold| Deed::Release { hold }),
        7 => (any(), part()).prop_map(|(redemption, amount)| Deed::RollBack { redemption, amount }),
        2 => (code(), prop_oneof![8 => 0..60u64, 1 => Just((1 << 53) - 80), 1 => Just(u64::MAX)])
            .prop_map(|(code, amount)| Deed::TopUp { code, amount }),
        1 => code().prop_map(Deed::Revoke),
        1 => code().prop_map(Deed::Restore),
    ]
}

fn wish() -> impl Strategy<Value = Step> {
    let key = prop_oneof![
        1 => Just(None),
        1 => (0..3u8, prop_oneof![5 => Just(0u8), 1 => Just(1)]).prop_map(Some)
    ];
    let user = prop::sample::select(&["ada", "bob", "cyd"][..]);
    (deed(), user, key, any::<(bool, bool)>(), prop::bool::weighted(0.15)).prop_map(
        |(deed, user, key, (early, overtaken), late)| Step::Wish {
            deed,
            user,
            key,
            manner: Manner { early, overtaken },
            late,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        8 => Just(Status::Active), 1 => Just(Status::Paused), 1 => Just(Status::Archived)
    ];
    let uses = prop_oneof![2 => Just(Some(1)), 3 => (0..4u32).prop_map(Some), 2 => Just(None)];
    let campaign = prop::sample::select(&[PLAIN, GIFT][..]);
    prop_oneof![
        30 => wish(),
        2 => (campaign, uses, status)
            .prop_map(|(campaign, uses_per_code, status)| Step::Put { campaign, uses_per_code, status }),
        2 => any::<u8>().prop_map(Step::Cover),
        6 => (0..60u64).prop_map(Step::Pass),
    ]
}

/// A history, which begins with both campaigns.
pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    let uses = || prop_oneof![3 => Just(Some(1)), 2 => Just(Some(2)), 2 => Just(None)];
    (uses(), uses(), vec(step(), 1..120)).prop_map(|(plain, gift, mut steps)| {
        let put =
            |campaign, uses_per_code| Step::Put { campaign, uses_per_code, status: Status::Active };
        steps.splice(0..0, [put(PLAIN, plain), put(GIFT, gift)]);
        steps
    })
}
