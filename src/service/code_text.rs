//! Which code a text means.
//!
//! A sealed code that was forged or mistyped ends here, without a shard being asked. Nothing here
//! keeps or shows the text.

use redeemd_domain::campaign::Codes;
use redeemd_domain::codes::{CodeKey, NormalisedCode, SealedBlock};
use redeemd_domain::shard::{Query, Reply};

use super::asking::reply;
use super::error::Error;
use super::view::View;
use super::worker::Worker;

impl Worker {
    /// The key of the code that a text means; `None` when it can mean none. Whether there is such a
    /// code is for its shard to say.
    pub(super) async fn code_of(&self, view: &View, text: &str) -> Result<Option<CodeKey>, Error> {
        if let Ok(block) = SealedBlock::parse(text) {
            // Nothing else may look like a sealed code, so there is nowhere else to look.
            return Ok(sealed(view, &block));
        }
        let is_listed = |codes: &Codes| matches!(codes, Codes::Imported);
        if !view.control().campaigns().any(|campaign| is_listed(&campaign.codes)) {
            return Ok(None);
        }
        let Ok(code) = NormalisedCode::parse(text) else { return Ok(None) };
        let digests = view.keys().peppers.iter().map(|pepper| pepper.digest(&code));
        let candidates: Vec<CodeKey> = digests.map(CodeKey::Listed).collect();
        self.listed(candidates).await
    }

    /// The one of several keys that exists: the same text under different peppers.
    async fn listed(&self, candidates: Vec<CodeKey>) -> Result<Option<CodeKey>, Error> {
        if let [only] = candidates.as_slice() {
            return Ok(Some(*only));
        }
        let ask = |key: CodeKey| (key, self.query(self.place_of(&key), Query::Find(key)));
        let asked: Vec<_> = candidates.into_iter().map(ask).collect();
        for (key, asked) in asked {
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
        Codes::Sealed { .. } | Codes::Imported => None,
    }
}
