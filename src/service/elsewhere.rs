//! Whether codes that are to be listed exist already: under another pepper, or in whose campaign.

use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, NormalisedCode};
use redeemd_domain::shard::{Query, Reply};

use super::asking::reply;
use super::error::Error;
use super::worker::Worker;

/// How many codes the shards are asked about at a time.
const ASKED_AT_ONCE: usize = 1_024;

impl Worker {
    /// The campaign that each of some codes belongs to, if it is listed under another pepper than
    /// the one with this number. A text must mean one code at most, whichever pepper digested it.
    pub(super) async fn known_elsewhere<'a>(
        &self,
        pepper: u16,
        codes: impl Iterator<Item = &'a NormalisedCode> + Clone,
    ) -> Result<Vec<Option<CampaignNumber>>, Error> {
        let view = self.view();
        let mut known: Vec<_> = codes.clone().map(|_| None).collect();
        for other in view.keys().peppers.iter().filter(|other| other.number != pepper) {
            let digests = codes.clone().map(|code| other.pepper.digest(code));
            let owners = self.owners(digests).await?;
            for (known, owner) in known.iter_mut().zip(owners) {
                *known = known.or(owner);
            }
        }
        Ok(known)
    }

    /// The campaign that each of some listed codes belongs to, if the code exists.
    pub(super) async fn owners(
        &self,
        digests: impl IntoIterator<Item = Digest>,
    ) -> Result<Vec<Option<CampaignNumber>>, Error> {
        let mut owners = Vec::new();
        let mut digests = digests.into_iter().map(CodeKey::Listed).peekable();
        while digests.peek().is_some() {
            let ask = |key: CodeKey| self.query(self.place_of(&key), Query::Find(key));
            let asked: Vec<_> = digests.by_ref().take(ASKED_AT_ONCE).map(ask).collect();
            for asked in asked {
                let Reply::Found(found) = reply(asked).await? else {
                    return Err(Error::internal("a shard was asked for a code"));
                };
                owners.push(found.map(|(campaign, _)| campaign.number));
            }
        }
        Ok(owners)
    }
}
