//! Why the control sequence refuses something.

/// Why a command was refused, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The same idempotency key was used on the same route with another body.
    IdempotencyKeyReused,
    /// There is no such campaign or API key.
    NotFound,
    /// The campaign was changed since the client read it.
    EditionChanged,
    /// The campaign is archived, which is for ever.
    CampaignArchived,
    /// The campaign's codes are not made in this way.
    CodesNotGenerated,
    /// The campaign's codes are not brought in.
    CodesNotImported,
    /// The indices do not follow those that were issued; the issuing must begin anew.
    IndicesNotNext,
    /// The rules break a bound, or name a time zone that they do not bring.
    InvalidRules,
    /// The window would end before it begins.
    EmptyWindow,
    /// The pattern has too few possible codes for so many to be issued.
    PatternTooSmall,
    /// Too many of the pattern's codes exist elsewhere.
    TooManySkipped,
    /// The campaign has no room for so many serials: there are 2^40.
    TooManyCodes,
    /// The campaign's reward was changed as often as it can be.
    TooManyRewards,
    /// There are already as many live sealing keys as there may be, or the name is taken.
    SecretNotAdded,
    /// There is no sealing key yet.
    NoSealingKey,
    /// There is no pattern key or no pepper yet.
    NoPatternKey,
    /// It is the last admin key: without it nobody could let another one in.
    LastAdminKey,
    /// There are as many API keys as there can be, revoked ones included.
    TooManyApiKeys,
    /// The API key exists already.
    AlreadyExists,
    /// All campaign numbers are given out.
    TooManyCampaigns,
}
