//! Which code a text means.
//!
//! A sealed code that was forged or mistyped ends here, without a shard being asked. Nothing here
//! keeps or shows the text.

use redeemd_actors::port::Asked;
use redeemd_domain::campaign::Codes;
use redeemd_domain::codes::{CodeKey, NormalisedCode, SealedBlock};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Query, Reply, Shard};

use super::asking::reply;
use super::error::Error;
use super::view::View;
use super::worker::Worker;

impl Worker {
    /// The key of the code that a text means; `None` when it can mean none. Whether there is such a
    /// code is for its shard to say.
    pub(super) async fn code_of(&self, view: &View, text: &str) -> Result<Option<CodeKey>, Error> {
        self.seek(view, text).found().await
    }

    /// As [`Worker::code_of`], with the present view.
    ///
    /// # Errors
    /// [`Refusal::InvalidCode`] where the text can mean no code; or why nobody can tell.
    pub(super) async fn code_meant_by(&self, text: &str) -> Result<CodeKey, Error> {
        let view = self.view();
        let code = self.code_of(&view, text).await?;
        code.ok_or(Error::Refused(Refusal::InvalidCode))
    }

    /// As [`Worker::code_of`], for many texts at once.
    pub(super) async fn codes_of<'a>(
        &self,
        view: &View,
        texts: impl Iterator<Item = &'a str>,
    ) -> Vec<Result<Option<CodeKey>, Error>> {
        let sought: Vec<_> = texts.map(|text| self.seek(view, text)).collect();
        let mut codes = Vec::with_capacity(sought.len());
        for sought in sought {
            codes.push(sought.found().await);
        }
        codes
    }

    fn seek(&self, view: &View, text: &str) -> Sought {
        if let Ok(block) = SealedBlock::parse(text) {
            // Nothing else may look like a sealed code, so there is nowhere else to look.
            return Sought::Known(sealed(view, &block));
        }
        if !view.has_listed_codes() {
            return Sought::Known(None);
        }
        let Ok(code) = NormalisedCode::parse(text) else { return Sought::Known(None) };
        let digests = view.keys().peppers.iter().map(|known| known.pepper.digest(&code));
        let candidates: Vec<CodeKey> = digests.map(CodeKey::Listed).collect();
        if let [only] = candidates.as_slice() {
            return Sought::Known(Some(*only));
        }
        let ask = |key: CodeKey| (key, self.query(self.place_of(&key), Query::Find(key)));
        Sought::Asked(candidates.into_iter().map(ask).collect())
    }
}

/// The key of a text, as far as it is known without waiting.
enum Sought {
    /// It is this, or there is none.
    Known(Option<CodeKey>),
    /// It is the one of these that exists: the same text under different peppers.
    Asked(Vec<(CodeKey, Asked<Shard>)>),
}

impl Sought {
    async fn found(self) -> Result<Option<CodeKey>, Error> {
        let candidates = match self {
            Self::Known(key) => return Ok(key),
            Self::Asked(candidates) => candidates,
        };
        for (key, asked) in candidates {
            if let Reply::Found(Some(_)) = reply(asked).await? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}

/// What was sealed in a block, if it was sealed for a campaign under that campaign's own key.
/// Whoever learned one key must not be able to make codes of campaigns that have another.
fn sealed(view: &View, block: &SealedBlock) -> Option<CodeKey> {
    let opened = view.keys().ring.open(block)?;
    match view.campaign(opened.campaign)?.codes {
        Codes::Sealed { epoch } if u32::from(epoch) == opened.epoch.0 => Some(opened.key()),
        Codes::Sealed { .. } | Codes::Imported | Codes::Pattern { .. } => None,
    }
}
