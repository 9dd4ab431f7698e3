//! Random histories of the control sequence.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use redeemd_domain::campaign::{MAX_ISSUED, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, Pattern};
use redeemd_domain::control::{
    Asked, Changes, Command, Control, Draft, DraftCodes, Import, NewApiKey, Purpose, Remarks, Role,
    RowFault, Secret, SecretName,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Manner, request};
use crate::rules_history::{rule_changes, rules};

/// What can happen in a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A command. The edition that a change was made for is counted back from the present one.
    Do { command: Command, behind: Option<u32>, manner: Manner },
    /// The ledger's durable coverage moves on.
    Cover(u8),
    /// Time passes, in milliseconds.
    Pass(u64),
    /// A shard is told everything that it has to be told, or a part of it.
    Tell { at_most: usize },
}

fn asked(route: u8) -> impl Strategy<Value = Asked> {
    let key = (0..3u8, prop_oneof![5 => Just(0u8), 1 => Just(1)]);
    prop::option::weighted(0.5, key).prop_map(move |key| Asked {
        api_key: ApiKeyNumber(1),
        request: key.map(|(key, body)| request(key, &[route], body)),
    })
}

fn text() -> impl Strategy<Value = Box<str>> {
    prop::sample::select(&["", "one", "two"][..]).prop_map(Into::into)
}

fn bound() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((0..4u64).prop_map(Timestamp))
}

fn campaign() -> impl Strategy<Value = CampaignNumber> {
    (0..5u32).prop_map(CampaignNumber)
}

fn uses() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(0..3u32)
}

/// A small pattern, a large one, and one that is too small.
fn pattern() -> impl Strategy<Value = DraftCodes> {
    let patterns = [("A-##", "0123456789", true), ("####-####", "ABCDEFGHJK", false)];
    let patterns = [patterns[0], patterns[1], ("A-##", "01", false)];
    prop_oneof![5 => Just(0usize), 5 => Just(1), 1 => Just(2)].prop_map(move |place| {
        let (text, alphabet, allow_guessable) = patterns[place];
        DraftCodes::Pattern { pattern: Pattern::new(text, alphabet).unwrap(), allow_guessable }
    })
}

/// The next indices of a pattern, a part of them skipped, counted from where [`aim`] says. Now and
/// then they are wrong.
fn issue_pattern() -> impl Strategy<Value = Command> {
    let skipped = prop_oneof![
        3 => Just(Vec::new()),
        4 => prop::collection::btree_set(0..30u64, 0..12).prop_map(Vec::from_iter),
        1 => vec(0..4u64, 2..4),
    ];
    let span = prop_oneof![8 => 0..40u64, 1 => Just(u64::MAX)];
    let first = prop_oneof![8 => Just(0u64), 1 => 1..3u64];
    (campaign(), first, span, skipped, asked(8)).prop_map(
        |(campaign, first, span, mut skipped, asked)| {
            skipped.retain(|index| *index <= span);
            Command::IssuePattern { campaign, first, span, skipped, asked }
        },
    )
}

fn record_import() -> impl Strategy<Value = Command> {
    let rejected =
        vec((1..9u64, prop::sample::select(&[RowFault::Empty, RowFault::TooLong][..])), 0..3);
    let remarks = prop::option::of((0..9u64, vec(1..9u64, 0..3), 0..9u64));
    (campaign(), 0..9u64, 0..9u64, rejected, remarks, asked(7)).prop_map(
        |(campaign, imported, duplicates, rejected, remarks, asked)| {
            let mut import = Import { imported, duplicates, ..Import::default() };
            rejected.into_iter().for_each(|(line, fault)| import.reject(line, fault));
            match remarks {
                None => Command::RecordImport { campaign, import, asked },
                Some((elsewhere, elsewhere_lines, short)) => {
                    let remarks = Remarks { elsewhere, elsewhere_lines, short };
                    Command::KeepImport { campaign, import, remarks, asked }
                }
            }
        },
    )
}

fn make() -> impl Strategy<Value = Command> {
    let codes = prop_oneof![
        2 => Just(DraftCodes::Sealed), 2 => Just(DraftCodes::Imported), 2 => pattern()
    ];
    let rules = prop::option::weighted(0.3, rules().prop_map(Arc::new));
    let rest = (prop::option::of(text()), prop::option::of(text()), asked(1), rules);
    (text(), codes, bound(), bound(), uses(), rest).prop_map(
        |(name, codes, starts_at, expires_at, uses_per_code, (reward, metadata, asked, rules))| {
            let window = Window { starts_at, expires_at };
            let draft = Draft { name, codes, rules, window, uses_per_code, reward, metadata };
            Command::MakeCampaign { draft, asked }
        },
    )
}

fn change() -> impl Strategy<Value = Command> {
    let changes = (
        prop::option::weighted(0.2, text()),
        prop::option::weighted(0.3, bound()),
        prop::option::weighted(0.3, bound()),
        prop::option::weighted(0.3, uses()),
        prop::option::weighted(0.4, prop::option::of(text())),
        prop::option::weighted(0.2, prop::option::of(text())),
    );
    let changes =
        changes.prop_map(|(name, starts_at, expires_at, uses_per_code, reward, metadata)| {
            Changes { name, starts_at, expires_at, uses_per_code, reward, metadata }
        });
    let rules = prop::option::of(rule_changes().prop_map(Box::new));
    (campaign(), changes, rules, asked(2)).prop_map(|(campaign, changes, rules, asked)| {
        let edition = None;
        match rules {
            None => Command::ChangeCampaign { campaign, edition, changes, asked },
            Some(rules) => Command::ChangeRules { campaign, edition, changes, rules, asked },
        }
    })
}

fn let_in() -> impl Strategy<Value = Command> {
    let role = prop::sample::select(&[Role::Admin, Role::Auditor][..]);
    (0..8u8, role, text(), asked(5)).prop_map(|(byte, role, name, asked)| Command::LetIn {
        key: NewApiKey { digest: [byte; 32], role, name },
        asked,
    })
}

const PURPOSES: [Purpose; 4] =
    [Purpose::SealingKey, Purpose::Pepper, Purpose::HintKey, Purpose::PatternKey];

fn any_command() -> impl Strategy<Value = Command> {
    let status = prop_oneof![
        4 => Just(Status::Active), 4 => Just(Status::Paused), 1 => Just(Status::Archived)
    ];
    let count = prop_oneof![8 => 1..100u64, 1 => MAX_ISSUED - 60..=MAX_ISSUED, 1 => Just(u64::MAX)];
    let purpose = prop::sample::select(&PURPOSES[..]);
    let role = prop::sample::select(&[Role::Admin, Role::Issuer, Role::Public][..]);
    prop_oneof![
        3 => make(),
        5 => change(),
        4 => (campaign(), status, asked(3))
            .prop_map(|(campaign, status, asked)| Command::SetStatus { campaign, status, asked }),
        6 => (campaign(), count, asked(4))
            .prop_map(|(campaign, count, asked)| Command::Issue { campaign, count, asked }),
        4 => issue_pattern(),
        2 => record_import(),
        3 => (purpose, 0..14u16).prop_map(|(purpose, number)| {
            let name = SecretName { purpose, number };
            Command::AddSecret(Secret { name, enciphered: Box::new([7, 8]) })
        }),
        2 => (0..4u8, role, text())
            .prop_map(|(byte, role, name)| Command::AddApiKey(NewApiKey { digest: [byte; 32], role, name })),
        1 => (0..6u32).prop_map(|number| Command::RevokeApiKey(ApiKeyNumber(number))),
        3 => let_in(),
        2 => (0..6u32, asked(6)).prop_map(|(number, asked)| Command::ShutOut {
            api_key: ApiKeyNumber(number), asked
        }),
        1 => Just(Command::Advance),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let manner = any::<(bool, bool)>().prop_map(|(early, overtaken)| Manner { early, overtaken });
    let behind = prop::option::weighted(0.3, prop_oneof![3 => Just(0u32), 1 => 1..3u32]);
    prop_oneof![
        20 => (any_command(), behind, manner)
            .prop_map(|(command, behind, manner)| Step::Do { command, behind, manner }),
        2 => any::<u8>().prop_map(Step::Cover),
        2 => (0..5u64).prop_map(Step::Pass),
        2 => (0..4usize).prop_map(|at_most| Step::Tell { at_most }),
    ]
}

/// A history, which begins with a sealing key, and mostly with all that patterns need.
pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![1 => Just(1usize), 4 => Just(PURPOSES.len())];
    (first, vec(step(), 1..120)).prop_map(|(first, steps)| {
        let secret = |purpose| {
            let name = SecretName { purpose, number: 1 };
            let command = Command::AddSecret(Secret { name, enciphered: Box::new([1]) });
            Step::Do { command, behind: None, manner: Manner::default() }
        };
        PURPOSES.into_iter().take(first).map(secret).chain(steps).collect()
    })
}

/// Lets the indices of a pattern begin where those end that were issued.
pub(crate) fn aim(command: &mut Command, control: &Control) {
    if let Command::IssuePattern { campaign, first, skipped, .. } = command {
        let issued = control.campaign(*campaign).map_or(0, |campaign| campaign.issued);
        *first += issued;
        skipped.iter_mut().for_each(|index| *index += issued);
    }
}

/// Gives a change the edition that it was made for.
pub(crate) fn set_edition(command: &mut Command, present: Revision, behind: Option<u32>) {
    if let Command::ChangeCampaign { edition, .. } | Command::ChangeRules { edition, .. } = command
    {
        *edition = behind.map(|behind| Revision(present.0.wrapping_sub(behind)));
    }
}
