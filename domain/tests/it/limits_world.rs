//! Several shards and a control sequence, to play the protocols between them message by message.

use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::control::{self, Asked, Control, Draft, DraftCodes, RuleChanges};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Decode as _, Machine, Outcome};
use redeemd_domain::rules::Rules;
use redeemd_domain::shard::{
    Claim, Command, Decoder, Query, Redeem, Reply, Settle, Shard, Spend, UserDigest,
};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;

use crate::harness::sections;

pub(crate) const LAYOUT: ShardLayout = ShardLayout::new(4).unwrap();
const API_KEY: ApiKeyNumber = ApiKeyNumber(1);

pub(crate) struct World {
    pub(crate) shards: Vec<Shard>,
    pub(crate) control: Control,
    pub(crate) now: u64,
    pub(crate) campaign: CampaignNumber,
}

impl World {
    /// A campaign of sealed codes, with these rules, that every shard knows.
    pub(crate) fn new(rules: Rules) -> Self {
        let shards = (0..LAYOUT.shards()).map(|shard| Shard::new(LAYOUT, shard)).collect();
        let (control, now, campaign) = (Control::new(), 1_800_000_000_000, CampaignNumber(1));
        let mut world = Self { shards, control, now, campaign };
        let name = control::SecretName { purpose: control::Purpose::SealingKey, number: 1 };
        let enciphered = [1; 40].into();
        world.tell(control::Command::AddSecret(control::Secret { name, enciphered }));
        let draft = Draft {
            name: "limited".into(),
            codes: DraftCodes::Sealed,
            rules: Some(Arc::new(rules)),
            window: Window::default(),
            uses_per_code: Some(1),
            reward: None,
            metadata: None,
        };
        world.tell(control::Command::MakeCampaign { draft, asked: asked() });
        world.tell(control::Command::Issue { campaign, count: 1 << 20, asked: asked() });
        (0..LAYOUT.shards()).for_each(|shard| world.spread(shard));
        world
    }

    pub(crate) fn campaign(&self) -> Arc<Campaign> {
        Arc::clone(self.control.campaign(self.campaign).unwrap())
    }

    /// Tells a shard of the campaign as it is.
    pub(crate) fn spread(&mut self, shard: u16) {
        let terms = self.campaign().terms();
        self.apply(shard, Command::put(terms));
    }

    /// Changes the campaign's rules; no shard knows it yet.
    pub(crate) fn change(&mut self, rules: RuleChanges) {
        let rules = Box::new(rules);
        let (changes, edition) = (control::Changes::default(), None);
        let campaign = self.campaign;
        let asked = asked();
        self.tell(control::Command::ChangeRules { campaign, edition, changes, rules, asked });
    }

    pub(crate) fn tell(&mut self, command: control::Command) -> control::Outcome {
        let number = self.control.last() + 1;
        let at = Timestamp(self.now);
        self.control.apply(Entry { number, at, covered: 0, command })
    }

    /// Applies a command as a shard's next entry; what was foreseen of it must be what is done.
    pub(crate) fn apply(&mut self, shard: u16, command: Command) -> Outcome<Shard> {
        let at = Timestamp(self.now);
        let machine = &mut self.shards[usize::from(shard)];
        let foreseen = machine.foresee(&command, at);
        let number = machine.last() + 1;
        let outcome = machine.apply(Entry { number, at, covered: 0, command: command.clone() });
        if let Some(foreseen) = foreseen {
            assert_eq!(foreseen, outcome, "foreseen otherwise than done: {command:?}");
        }
        outcome
    }

    pub(crate) fn ask(&self, shard: u16, query: Query) -> Reply {
        self.shards[usize::from(shard)].reply(&query, Timestamp(self.now))
    }

    pub(crate) fn code(&self, serial: u64) -> CodeKey {
        CodeKey::Sealed { campaign: self.campaign, serial: Serial::new(serial).unwrap() }
    }

    pub(crate) fn shard_of(&self, code: &CodeKey) -> u16 {
        LAYOUT.shard_of(code.slot())
    }

    pub(crate) fn user(&self, user: &str) -> (UserDigest, u16) {
        let digest = UserDigest::new(self.campaign, user);
        (digest, LAYOUT.shard_of(digest.slot()))
    }

    pub(crate) fn spend(&self, code: CodeKey, user: &str, claim: Option<Claim>) -> Command {
        let (user, api_key) = (user.into(), API_KEY);
        let redeem = Redeem { code, user, metadata: None, api_key, request: None };
        Command::Spend(Box::new(Spend { claim, ..Spend::plain(redeem) }))
    }

    pub(crate) fn settle(&mut self, shard: u16, settled: &[u64], returned: &[u64]) {
        let settle = Settle { settled: settled.to_vec(), returned: returned.to_vec() };
        assert_eq!(self.apply(shard, Command::Settle(settle)), Outcome::Unchanged);
    }

    /// Every state comes back from a snapshot of itself.
    pub(crate) fn check_snapshots(&self) {
        for (number, shard) in (0..).zip(&self.shards) {
            let mut decoder = Decoder::new(LAYOUT, number);
            sections(shard).iter().for_each(|section| decoder.section(section).unwrap());
            let again = decoder.finish().unwrap();
            assert_eq!(again.digest(), shard.digest());
            assert_eq!(again.unfinished(), shard.unfinished());
            assert!(again.campaigns().eq(shard.campaigns()));
        }
        let mut decoder = control::Decoder::default();
        sections(&self.control).iter().for_each(|section| decoder.section(section).unwrap());
        let again = decoder.finish().unwrap();
        assert_eq!(again.digest(), self.control.digest());
        assert_eq!(again.shares(self.campaign), self.control.shares(self.campaign));
    }
}

pub(crate) fn asked() -> Asked {
    Asked { api_key: API_KEY, request: None }
}
