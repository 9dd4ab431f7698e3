//! What the errors of the service are to clients.

use redeemd_actors::core::ReadOnly;
use redeemd_domain::campaign::{GUESSES_A_CODE, MAX_SKIPPED};
use redeemd_domain::control;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::MAX_BALANCE;

use super::{Kind, Problem};
use crate::service::{Error, PatternRoom};

/// The name that programs know a refusal by.
pub(crate) fn refusal_code(refusal: Refusal) -> Kind {
    match refusal {
        Refusal::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
        Refusal::InvalidCode => Kind::InvalidCode,
        Refusal::Revoked => Kind::Revoked,
        Refusal::NotYetValid => Kind::NotYetValid,
        Refusal::Expired => Kind::Expired,
        Refusal::CampaignArchived => Kind::CampaignArchived,
        Refusal::CampaignPaused => Kind::CampaignPaused,
        Refusal::AlreadyRedeemed => Kind::AlreadyRedeemed,
        Refusal::AmountNotTaken | Refusal::AmountTooLarge => Kind::ValidationFailed,
        Refusal::AlreadyRolledBack => Kind::AlreadyRolledBack,
        Refusal::RollbackTooLate => Kind::RollbackTooLate,
        Refusal::HoldEnded => Kind::HoldEnded,
        Refusal::CodeHeld => Kind::CodeHeld,
        Refusal::UserLimitReached => Kind::UserLimitReached,
        Refusal::CampaignLimitReached => Kind::CampaignLimitReached,
        Refusal::InsufficientBalance => Kind::InsufficientBalance,
    }
}

/// What can keep a wish to redeem from being done.
pub(crate) fn kinds_of_redemptions() -> impl Iterator<Item = Kind> {
    let errors = [Kind::Internal, Kind::Overloaded, Kind::ReadOnly, Kind::OutcomeUnknown];
    Refusal::ALL.into_iter().map(refusal_code).chain(errors)
}

/// The name that programs know an error of the service by.
pub(crate) fn kind_of_error(error: &Error) -> Kind {
    match error {
        Error::Refused(refusal) => refusal_code(*refusal),
        Error::ControlRefused(refusal) => of_control_refusal(*refusal).kind(),
        Error::PatternTooSmall(_) => Kind::PatternTooSmall,
        Error::NotFound(_) => Kind::NotFound,
        Error::Overloaded | Error::Unavailable | Error::StillSpreading => Kind::Overloaded,
        Error::ReadOnly(_) => Kind::ReadOnly,
        Error::OutcomeUnknown(_) => Kind::OutcomeUnknown,
        Error::Internal(_) => Kind::Internal,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => of_refusal(refusal),
            Error::ControlRefused(refusal) => of_control_refusal(refusal),
            Error::PatternTooSmall(room) => of_pattern(room),
            Error::NotFound(resource) => Self::missing(resource),
            Error::Overloaded => Self::new(
                Kind::Overloaded,
                "Nothing was done. Try again after the time in Retry-After.",
            ),
            Error::Unavailable => Self::new(
                Kind::Overloaded,
                "A part of the server is being rebuilt. Nothing was done; try again.",
            ),
            Error::ReadOnly(reason) => Self::new(
                Kind::ReadOnly,
                match reason {
                    ReadOnly::DiskFull => "The disk is full, or cannot be used. Nothing was done.",
                    ReadOnly::ClockLeap => {
                        "The clock leapt, and an operator has to say whether it is right. Nothing \
                         was done."
                    }
                    ReadOnly::BacklogFull => {
                        "As much waits to be copied to the database as may wait. Nothing was done. \
                         Revoking codes and API keys, pausing and archiving are still possible."
                    }
                },
            ),
            Error::StillSpreading => Self::new(
                Kind::Overloaded,
                "The change is made and is on its way to every part of the server. Ask again to \
                 hear when it has arrived.",
            ),
            Error::OutcomeUnknown(redemption) => {
                let mut problem = Self::new(
                    Kind::OutcomeUnknown,
                    "Send the request again with the same Idempotency-Key to learn it.",
                );
                problem.0.redemption = redemption;
                problem
            }
            Error::Internal(reason) => Self::internal(reason),
        }
    }
}

fn of_refusal(refusal: Refusal) -> Problem {
    let detail = match refusal {
        Refusal::AmountNotTaken => {
            return Problem::field("/amount", "is for codes of a campaign with a balance");
        }
        Refusal::AmountTooLarge => {
            let detail = format!("would make the code worth more than {MAX_BALANCE}");
            return Problem::field("/amount", detail);
        }
        Refusal::IdempotencyKeyReused => {
            "The first request with this key about this code had another body."
        }
        Refusal::InvalidCode => "No such code was issued, or it was mistyped.",
        Refusal::Revoked => "The code was revoked and cannot be redeemed.",
        Refusal::NotYetValid => {
            "The code cannot be redeemed before its campaign begins, or outside of its hours."
        }
        Refusal::Expired => "The code cannot be redeemed after its campaign's end.",
        Refusal::CampaignArchived => "The code's campaign is archived.",
        Refusal::CampaignPaused => "The code's campaign is paused.",
        Refusal::AlreadyRedeemed => "The code has been redeemed as often as its campaign allows.",
        Refusal::AlreadyRolledBack => "All of it came back then. Nothing was done now.",
        Refusal::RollbackTooLate => "The redemption is too long ago to be rolled back.",
        Refusal::HoldEnded => "The hold was confirmed or released, or it expired.",
        Refusal::CodeHeld => "All uses of the code that are left are held for other users.",
        Refusal::UserLimitReached => {
            "The user has redeemed or holds as many codes of the campaign as it allows."
        }
        Refusal::CampaignLimitReached => {
            "As many codes of the campaign are redeemed or held as it allows altogether."
        }
        Refusal::InsufficientBalance => "There is less left than that.",
    };
    Problem::new(refusal_code(refusal), detail)
}

fn of_control_refusal(refusal: control::Refusal) -> Problem {
    use control::Refusal as R;
    match refusal {
        R::IdempotencyKeyReused => Problem::new(
            Kind::IdempotencyKeyReused,
            "The first request with this key had another body.",
        ),
        // What is changed was found before, and nothing is ever taken away.
        R::NotFound => Problem::new(Kind::NotFound, "There is nothing with this identifier."),
        R::EditionChanged => Problem::new(
            Kind::PreconditionFailed,
            "Read it again, and make the change to what it is now.",
        ),
        R::CampaignArchived => {
            Problem::new(Kind::CampaignArchived, "An archived campaign stays as it is.")
        }
        R::CodesNotGenerated => {
            Problem::parameter("id", "names a campaign whose codes are not made here")
        }
        R::CodesNotImported => {
            Problem::parameter("id", "names a campaign whose codes are made here, not brought in")
        }
        R::PatternTooSmall => {
            Problem::new(Kind::PatternTooSmall, "The pattern has too few possible codes.")
        }
        R::TooManySkipped => Problem::new(
            Kind::PatternTooSmall,
            format!(
                "More than {MAX_SKIPPED} codes of this pattern exist in other campaigns already. \
                 Make a campaign with another pattern."
            ),
        ),
        R::EmptyWindow => Problem::field("/expires_at", "must be later than starts_at"),
        R::TooManyCodes => Problem::field("/count", "is more than the campaign has room for"),
        R::TooManyRewards => Problem::field(
            "/reward",
            "was changed as often as it can be; make another campaign for another reward",
        ),
        R::LastAdminKey => Problem::parameter(
            "id",
            "names the last admin key; make another one first, since nobody could afterwards",
        ),
        R::TooManyApiKeys => {
            Problem::field("/name", "cannot be taken: there are as many API keys as there can be")
        }
        R::AlreadyExists => Problem::new(Kind::AlreadyExists, "It exists already."),
        R::SecretNotAdded
        | R::NoSealingKey
        | R::NoPatternKey
        | R::InvalidRules
        | R::IndicesNotNext
        | R::TooManyCampaigns => {
            Problem::internal(format!("the control sequence refused: {refusal:?}"))
        }
    }
}

/// How much room a pattern has, in numbers.
pub(crate) fn of_pattern(room: PatternRoom) -> Problem {
    let PatternRoom { possible, most, issued, left } = room;
    let why = match u128::from(most) < possible {
        true => format!(
            ", one for each {GUESSES_A_CODE}, so that nobody finds one by guessing (more with \
             allow_guessable)"
        ),
        false => String::new(),
    };
    Problem::new(
        Kind::PatternTooSmall,
        format!(
            "The pattern has {possible} possible codes. At most {most} of them may be \
             issued{why}; {issued} are, and {left} more can be."
        ),
    )
}
