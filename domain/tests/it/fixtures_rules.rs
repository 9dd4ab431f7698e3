//! Fixtures of what came with rules: campaigns that have some, in commands, records and states. See
//! `fixtures.rs`.

use redeemd_domain::campaign::{Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, Pattern};
use redeemd_domain::control::{
    self, Asked, Changes, Control, Draft, DraftCodes, Purpose, RuleChanges, Secret, SecretName,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::rules::{
    Balance, Currency, Per, Rules, TimeZone, TotalLimit, UserLimit, Weekday, Weekdays, WeeklyWindow,
};
use redeemd_domain::shard::{self, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::fixtures::{
    self, LAYOUT, assert_entries, assert_records, assert_state, entries, live, records,
};

fn asked(request: Option<u8>) -> Asked {
    Asked { api_key: ApiKeyNumber(2), request: request.map(|byte| fixtures::request(byte, 0)) }
}

fn zones() -> Vec<TimeZone> {
    let change = |at, offset| (Timestamp(at), offset);
    let changes = vec![change(1_806_195_600_000, 7200), change(1_824_944_400_000, 3600)];
    let berlin = TimeZone { name: "Europe/Berlin".into(), first_offset: 3600, changes };
    let marquesas = ("Pacific/Marquesas".into(), -34_200, Vec::new());
    let (name, first_offset, changes) = marquesas;
    vec![berlin, TimeZone { name, first_offset, changes }]
}

fn window(weekdays: &[Weekday], from: u16, to: u16, zone: u16) -> WeeklyWindow {
    WeeklyWindow { weekdays: Weekdays::of(weekdays.iter().copied()), from, to, zone }
}

fn everything() -> Rules {
    Rules {
        zones: zones(),
        uses_per_user: Some(UserLimit { limit: 300, per: Per::Week, zone: 1 }),
        total_uses: Some(TotalLimit { limit: 1 << 40, since: Revision(0) }),
        balance: Some(Balance { currency: Currency::parse("EUR").unwrap(), minor_units: 5000 }),
        windows: vec![
            window(&[Weekday::Monday, Weekday::Friday], 540, 1020, 0),
            window(&Weekday::ALL, 1320, 120, 1),
        ],
    }
}

fn make(codes: DraftCodes, rules: Rules, request: Option<u8>) -> control::Command {
    let draft = Draft {
        name: "Ruled".into(),
        codes,
        rules: Some(rules.into()),
        window: Window::default(),
        uses_per_code: None,
        reward: Some("{\"a\":1}".into()),
        metadata: None,
    };
    control::Command::MakeCampaign { draft, asked: asked(request) }
}

fn change(changes: Changes, rules: RuleChanges, request: Option<u8>) -> control::Command {
    let (campaign, edition) = (CampaignNumber(1), request.map(|_| Revision(1)));
    let (rules, asked) = (rules.into(), asked(request));
    control::Command::ChangeRules { campaign, edition, changes, rules, asked }
}

/// Every new command of the control sequence, in every form that its fields can take.
fn control_commands() -> Vec<control::Command> {
    let secret = |purpose| {
        let name = SecretName { purpose, number: 1 };
        control::Command::AddSecret(Secret { name, enciphered: Box::new([7; 41]) })
    };
    let limit = |per| Some(UserLimit { limit: 1, per, zone: 0 });
    let only = |per| Rules { zones: zones(), uses_per_user: limit(per), ..Rules::default() };
    let pattern = Pattern::new("v_#.###", "0123456789").unwrap();
    let all = Changes {
        name: Some("Other".into()),
        uses_per_code: Some(Some(4)),
        reward: Some(None),
        ..Changes::default()
    };
    let all_rules = RuleChanges {
        zones: zones(),
        uses_per_user: Some(limit(Per::Month)),
        total_uses: Some(Some(77)),
        windows: Some(vec![window(&[Weekday::Sunday], 0, 1440, 1)]),
    };
    let none = RuleChanges {
        zones: Vec::new(),
        uses_per_user: Some(None),
        total_uses: Some(None),
        windows: Some(Vec::new()),
    };
    vec![
        secret(Purpose::SealingKey),
        secret(Purpose::PatternKey),
        secret(Purpose::Pepper),
        make(DraftCodes::Sealed, everything(), Some(1)),
        make(DraftCodes::Imported, only(Per::Ever), None),
        make(DraftCodes::Pattern { pattern, allow_guessable: true }, only(Per::Day), None),
        change(all, all_rules, Some(2)),
        control::Command::Issue { campaign: CampaignNumber(1), count: 2048, asked: asked(None) },
        change(Changes::default(), none, None),
    ]
}

#[test]
fn the_control_fixtures_are_read_and_written() {
    let comment = "Entries of the control sequence that came with rules, version 1.";
    assert_entries("control-entries-rules-1.hex", comment, &entries(control_commands(), 1));
    let mut control = Control::new();
    let records = records(live(&mut control, entries(control_commands(), 1)));
    assert_eq!(records.len(), control_commands().len(), "every command changes something");
    let comment = "Records of the control sequence about campaigns with rules, version 1.";
    assert_records("control-records-rules-1.hex", comment, &records);
    let comment = "The state of the control sequence with rules, version 2.";
    let decoder = control::Decoder::default();
    let read = assert_state("control-state-rules-2.hex", comment, decoder, &control);
    assert!(read.campaigns().eq(control.campaigns()));
}

/// Three campaigns with something of everything, two of them as the control sequence tells of them.
fn shard_commands() -> Vec<shard::Command> {
    let mut control = Control::new();
    live(&mut control, entries(control_commands(), 1));
    let put = |number| {
        let mut terms = control.campaign(CampaignNumber(number)).unwrap().terms();
        terms.view.status = Status::Paused;
        shard::Command::put(terms)
    };
    let mut first = control.campaign(CampaignNumber(1)).unwrap().terms();
    first.rules = Some(everything().into());
    vec![shard::Command::put(first), put(2), put(3)]
}

#[test]
fn the_shard_fixtures_are_read_and_written() {
    let comment = "Entries of a shard that came with rules, version 1.";
    assert_entries("shard-entries-rules-1.hex", comment, &entries(shard_commands(), 1));
    let mut shard = Shard::new(LAYOUT, 0);
    live(&mut shard, entries(shard_commands(), 1));
    let comment = "The state of shard 0 of 256 with rules, version 2: a head, rules, four slots.";
    let decoder = shard::Decoder::new(LAYOUT, 0);
    let read = assert_state("shard-state-rules-2.hex", comment, decoder, &shard);
    assert!(read.campaigns().eq(shard.campaigns()));
}
