//! Rules in the control sequence: made, changed, kept, and told to shards.

use redeemd_domain::campaign::{CampaignView, Revision};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Changes, Command, Control, Outcome, Refusal, RuleChanges};
use redeemd_domain::rules::{Balance, Currency, Per, Rules, TimeZone, UserLimit, Weekday};
use redeemd_domain::shard::{self, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, sections};
use crate::rules_validity::{ASKED, change, make, total, window, zone};

const ONE: CampaignNumber = CampaignNumber(1);
const WORK: [Weekday; 2] = [Weekday::Monday, Weekday::Tuesday];

fn done(harness: &mut Harness<Control>, command: Command) {
    let outcome = harness.apply(command);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

fn rules(harness: &Harness<Control>) -> Rules {
    harness.machine.campaign(ONE).unwrap().rules.as_deref().cloned().unwrap()
}

fn total_change(limit: Option<u64>) -> Command {
    change(RuleChanges { total_uses: Some(limit), ..RuleChanges::default() })
}

fn daily(zone: u16) -> Option<UserLimit> {
    Some(UserLimit { limit: 1, per: Per::Day, zone })
}

#[test]
fn zones_are_kept_once_and_only_while_a_rule_names_them() {
    let mut harness = Harness::<Control>::new();
    let draft = Rules {
        zones: vec![zone("Unused", 0), zone("A", 1), zone("B", 2), zone("A", 1)],
        uses_per_user: daily(3),
        windows: vec![window(&WORK, 0, 60, 2), window(&WORK, 60, 120, 1)],
        ..Rules::default()
    };
    done(&mut harness, make(Some(draft)));
    let expected = Rules {
        zones: vec![zone("A", 1), zone("B", 2)],
        uses_per_user: daily(0),
        windows: vec![window(&WORK, 0, 60, 1), window(&WORK, 60, 120, 0)],
        ..Rules::default()
    };
    assert_eq!(rules(&harness), expected);

    // A newer table of a zone is another zone: rules that were not changed keep theirs.
    let newer = TimeZone { changes: vec![(Timestamp(5), 3600)], ..zone("A", 1) };
    let changes = RuleChanges {
        zones: vec![newer.clone()],
        windows: Some(vec![window(&WORK, 0, 60, 0)]),
        ..RuleChanges::default()
    };
    done(&mut harness, change(changes.clone()));
    let expected = Rules {
        zones: vec![zone("A", 1), newer.clone()],
        uses_per_user: daily(0),
        windows: vec![window(&WORK, 0, 60, 1)],
        ..Rules::default()
    };
    assert_eq!(rules(&harness), expected);
    assert_eq!(harness.apply(change(changes)), Outcome::Unchanged);

    let cleared = RuleChanges { uses_per_user: Some(None), ..RuleChanges::default() };
    done(&mut harness, change(cleared));
    let windows = vec![window(&WORK, 0, 60, 0)];
    assert_eq!(rules(&harness), Rules { zones: vec![newer], windows, ..Rules::default() });
    harness.check_replay(2, 2);
}

#[test]
fn a_total_is_valid_since_the_revision_that_set_it() {
    let mut harness = Harness::<Control>::new();
    // What the draft says of the revision is not read.
    done(&mut harness, make(Some(Rules { total_uses: total(10, 77), ..Rules::default() })));
    assert_eq!(rules(&harness).total_uses, total(10, 1));
    assert_eq!(harness.apply(total_change(Some(10))), Outcome::Unchanged);
    let more = RuleChanges {
        total_uses: Some(Some(10)),
        uses_per_user: Some(Some(UserLimit { limit: 2, per: Per::Ever, zone: 0 })),
        ..RuleChanges::default()
    };
    done(&mut harness, change(more));
    assert_eq!(rules(&harness).total_uses, total(10, 1), "the same limit is no new one");
    done(&mut harness, total_change(Some(20)));
    assert_eq!(rules(&harness).total_uses, total(20, 3));
    done(&mut harness, total_change(None));
    assert_eq!(rules(&harness).total_uses, None);
    done(&mut harness, total_change(Some(20)));
    assert_eq!(rules(&harness).total_uses, total(20, 5), "it was gone in between");
    harness.check_replay(3, 3);
}

#[test]
fn a_campaign_that_never_had_rules_gets_none_and_one_that_had_keeps_them_empty() {
    let mut harness = Harness::<Control>::new();
    done(&mut harness, make(Some(Rules::default())));
    assert_eq!(harness.machine.campaign(ONE).unwrap().rules, None);
    let nothing = RuleChanges {
        uses_per_user: Some(None),
        total_uses: Some(None),
        windows: Some(Vec::new()),
        zones: vec![zone("A", 1)],
    };
    assert_eq!(harness.apply(change(nothing.clone())), Outcome::Unchanged);
    assert_eq!(harness.machine.campaign(ONE).unwrap().rules, None);
    done(&mut harness, total_change(Some(1)));
    done(&mut harness, change(nothing));
    assert_eq!(rules(&harness), Rules::default(), "shards have to learn that they ended");
}

#[test]
fn rules_outlive_every_other_change_and_a_balance_all_of_them() {
    let mut harness = Harness::<Control>::new();
    let euro = Currency::parse("EUR").unwrap();
    let balance = Some(Balance { currency: euro, minor_units: 5000 });
    let draft = Rules { balance, total_uses: total(10, 0), ..Rules::default() };
    done(&mut harness, make(Some(draft)));
    let before = rules(&harness);
    let named = Changes { name: Some("other".into()), ..Changes::default() };
    let (campaign, edition) = (ONE, None);
    done(&mut harness, Command::ChangeCampaign { campaign, edition, changes: named, asked: ASKED });
    let status = redeemd_domain::campaign::Status::Paused;
    done(&mut harness, Command::SetStatus { campaign, status, asked: ASKED });
    assert_eq!(rules(&harness), before);
    done(&mut harness, total_change(None));
    assert_eq!(rules(&harness), Rules { balance, ..Rules::default() });
}

#[test]
fn a_change_of_rules_makes_an_edition_and_is_refused_for_an_older_one() {
    let mut harness = Harness::<Control>::new();
    done(&mut harness, make(None));
    let edition = |harness: &Harness<Control>| harness.machine.campaign(ONE).unwrap().edition;
    assert_eq!(edition(&harness), Revision(1));
    let both = |edition, name: &str| {
        let changes = Changes { name: Some(name.into()), ..Changes::default() };
        let rules = RuleChanges { total_uses: Some(Some(7)), ..RuleChanges::default() };
        let edition = Some(Revision(edition));
        Command::ChangeRules { campaign: ONE, edition, changes, rules: rules.into(), asked: ASKED }
    };
    done(&mut harness, both(1, "two"));
    assert_eq!(edition(&harness), Revision(2));
    assert_eq!(&*harness.machine.campaign(ONE).unwrap().name, "two");
    assert_eq!(harness.apply(both(1, "three")), Outcome::Refused(Refusal::EditionChanged));
    assert_eq!(harness.apply(both(2, "two")), Outcome::Unchanged);
    // What is wrong with the rules comes after what is wrong with the campaign.
    let wrong = |campaign, edition| {
        let rules = RuleChanges { total_uses: Some(Some(0)), ..RuleChanges::default() };
        let empty = Some(Some(Timestamp(5)));
        let changes = Changes { starts_at: empty, expires_at: empty, ..Changes::default() };
        Command::ChangeRules { campaign, edition, changes, rules: rules.into(), asked: ASKED }
    };
    let stale = Some(Revision(1));
    for (command, refusal) in [
        (wrong(CampaignNumber(9), stale), Refusal::NotFound),
        (wrong(ONE, stale), Refusal::EditionChanged),
        (wrong(ONE, None), Refusal::InvalidRules),
    ] {
        assert_eq!(harness.apply(command), Outcome::Refused(refusal));
    }
    let status = redeemd_domain::campaign::Status::Archived;
    done(&mut harness, Command::SetStatus { campaign: ONE, status, asked: ASKED });
    assert_eq!(harness.apply(wrong(ONE, None)), Outcome::Refused(Refusal::CampaignArchived));
    assert!(Refusal::InvalidRules < Refusal::EmptyWindow);
}

#[test]
fn shards_are_told_of_rules_and_of_their_end() {
    let mut harness = Harness::<Control>::new();
    done(&mut harness, make(None));
    let mut shard = Harness::<Shard>::new();
    let tell = |control: &Control, shard: &mut Harness<Shard>| {
        let missing: Vec<_> = control.missing_in(&shard.machine).collect();
        let commands: Vec<_> = missing.into_iter().map(shard::Command::put).collect();
        commands.iter().for_each(|command| _ = shard.apply(command.clone()));
        commands
    };
    let put = tell(&harness.machine, &mut shard);
    assert!(matches!(put[..], [shard::Command::PutCampaign(_)]), "nothing is paid for no rules");
    assert_eq!(sections(&shard.machine)[0][1], 1, "nor is another version needed");

    done(&mut harness, total_change(Some(5)));
    let put = tell(&harness.machine, &mut shard);
    let [shard::Command::PutRules { view: CampaignView { revision, .. }, .. }] = put[..] else {
        panic!("{put:?}")
    };
    assert_eq!(revision, Revision(2));
    let known = |shard: &Harness<Shard>| shard.machine.campaign(ONE).unwrap().rules.clone();
    assert_eq!(known(&shard).unwrap().total_uses, total(5, 2));
    assert_eq!(sections(&shard.machine)[0][1], 2);
    // An older one that comes late changes nothing.
    let late = Rules { total_uses: total(4, 1), ..Rules::default() };
    let mut view = shard.machine.campaign(ONE).unwrap().view;
    view.revision = Revision(1);
    let outcome = shard.apply(shard::Command::PutRules { view, rules: late.into() });
    assert_eq!(outcome, shard::Outcome::Unchanged);
    assert_eq!(known(&shard).unwrap().total_uses, total(5, 2));

    done(&mut harness, total_change(None));
    assert_eq!(tell(&harness.machine, &mut shard).len(), 1);
    assert_eq!(known(&shard).as_deref(), Some(&Rules::default()));
    assert_eq!(harness.machine.missing_in(&shard.machine).count(), 0);
    shard.check_replay(2, 2);
}
