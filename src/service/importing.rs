//! Bringing codes in: any number of them, in little memory, and nothing twice.
//!
//! What was imported before a file ended early stays; sending the file again imports the rest. What
//! came of a whole import is kept in the control sequence, so that a request that is repeated with
//! its idempotency key gets its first answer.

use std::rc::Rc;
use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes, Status};
use redeemd_domain::codes::{CampaignNumber, NormalisedCode};
use redeemd_domain::control::{
    self, Command, Event, Record, Refusal, Remarks, RowFault, SHORT_CODE_CHARACTERS,
};
use redeemd_domain::request::{Fingerprint, RequestDigest};
use sha2::{Digest as _, Sha256};

use super::caller::Caller;
use super::campaigns::subject;
use super::error::Error;
use super::idempotency::IdempotencyKey;
use super::lister::Lister;
use super::view::View;
use super::worker::Worker;

/// What came of an import, and whether that repeats an earlier answer.
#[derive(Debug)]
pub struct Imported {
    record: Arc<Record>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Imported {
    fn of(record: Arc<Record>, is_replayed: bool) -> Result<Self, Error> {
        match record.event {
            Event::Imported { .. } | Event::ImportKept { .. } => Ok(Self { record, is_replayed }),
            _ => Err(Error::internal("an import was answered with another's record")),
        }
    }

    /// The counts, and what was wrong with rows; `None` does not happen.
    pub fn import(&self) -> Option<&control::Import> {
        match &self.record.event {
            Event::Imported { import, .. } | Event::ImportKept { import, .. } => Some(import),
            _ => None,
        }
    }

    /// What stood out; `None` where the first answer did not say.
    pub fn remarks(&self) -> Option<&Remarks> {
        match &self.record.event {
            Event::ImportKept { remarks, .. } => Some(remarks),
            _ => None,
        }
    }
}

/// An import that is under way.
pub struct Import {
    worker: Worker,
    caller: Caller,
    campaign: CampaignNumber,
    key: Option<IdempotencyKey>,
    /// Of the body, for the request's fingerprint.
    body: Sha256,
    /// The form of the body, which is a part of what the request says.
    form: Box<str>,
    work: Work,
}

/// What there is to do with the rows.
enum Work {
    /// They are to be listed.
    List(Box<Listing>),
    /// The request was answered before, maybe with another body.
    Repeat(Arc<Record>),
}

/// Rows on their way to the shards.
struct Listing {
    /// Codes go with their lines.
    lister: Lister<u64>,
    campaign: CampaignNumber,
    /// The keys as they were when the import began: all of its codes get the same pepper.
    view: Rc<View>,
    /// Codes that may exist under another pepper.
    unchecked: Vec<(u64, NormalisedCode)>,
    came_of_it: control::Import,
    remarks: Remarks,
}

impl Worker {
    /// Begins to bring codes into a campaign. `form` names the form of the body, and how
    /// it is read.
    ///
    /// # Errors
    /// The refusal, or why there is none.
    pub async fn import(
        &self,
        caller: Caller,
        key: Option<IdempotencyKey>,
        campaign: &Campaign,
        form: &str,
    ) -> Result<Import, Error> {
        let number = campaign.id.number;
        let answered = match &key {
            Some(key) => {
                let unread = Fingerprint::new(&[]);
                let request = key.request(caller.number, &import_into(number), unread);
                self.answer_to(&request.digest).await?
            }
            None => None,
        };
        // A replay precedes every refusal.
        let work = match answered {
            Some(record) => Work::Repeat(record),
            None => Work::List(Box::new(self.listing(caller, campaign)?)),
        };
        let (worker, body) = (self.clone(), Sha256::new());
        let form = form.into();
        Ok(Import { worker, caller, campaign: number, key, body, form, work })
    }

    fn listing(&self, caller: Caller, campaign: &Campaign) -> Result<Listing, Error> {
        if campaign.status == Status::Archived {
            return Err(Error::ControlRefused(Refusal::CampaignArchived));
        }
        if campaign.codes != Codes::Imported {
            return Err(Error::ControlRefused(Refusal::CodesNotImported));
        }
        Ok(Listing {
            lister: Lister::new(self, campaign.id.number, caller.number)?,
            campaign: campaign.id.number,
            view: self.view(),
            unchecked: Vec::new(),
            came_of_it: control::Import::default(),
            remarks: Remarks::default(),
        })
    }

    /// What answered a request to the control sequence before, if anything did.
    pub(super) async fn answer_to(
        &self,
        request: &RequestDigest,
    ) -> Result<Option<Arc<Record>>, Error> {
        let view = self.view();
        if let Some(record) = view.control().answer_to(request) {
            return Ok(Some(Arc::clone(record)));
        }
        self.recall_answer(request).await
    }
}

impl Import {
    /// Takes a piece of the body in, before its rows.
    pub fn read(&mut self, piece: &[u8]) {
        if self.key.is_some() {
            self.body.update(piece);
        }
    }

    /// Whether the rows are wanted: a request that was answered before is known by its body alone.
    pub fn wants_rows(&self) -> bool {
        matches!(self.work, Work::List(_))
    }

    /// Takes a row: the text that shall be a code, or nothing where the row is not of the body's
    /// form.
    pub fn add(&mut self, line: u64, text: Option<&str>) {
        let Work::List(listing) = &mut self.work else { return };
        match text.ok_or(RowFault::Malformed).and_then(|text| Ok(NormalisedCode::parse(text)?)) {
            Ok(code) => listing.add(line, code),
            Err(fault) => listing.came_of_it.reject(line, fault),
        }
    }

    /// Sends what has gathered on its way, and waits while too much is.
    ///
    /// # Errors
    /// When a shard did not take its codes.
    pub async fn make_room(&mut self) -> Result<(), Error> {
        match &mut self.work {
            Work::List(listing) => listing.make_room(&self.worker).await,
            Work::Repeat(_) => Ok(()),
        }
    }

    /// The body has ended: waits until every code is durable, and keeps what came of it.
    ///
    /// # Errors
    /// The refusal of a key that was used with another body, or why there is no answer.
    pub async fn finish(self) -> Result<Imported, Error> {
        let Self { worker, caller, campaign, key, body, form, work } = self;
        let body: [u8; 32] = body.finalize().into();
        let fingerprint = Fingerprint::new(&[Some(form.as_bytes()), Some(&body)]);
        let subject = import_into(campaign);
        let request = key.map(|key| key.request(caller.number, &subject, fingerprint));
        match work {
            Work::Repeat(record) => match record.request {
                Some((_, first)) if first == fingerprint => Imported::of(record, true),
                _ => Err(Error::ControlRefused(Refusal::IdempotencyKeyReused)),
            },
            Work::List(listing) => {
                let (import, remarks) = listing.finish(&worker).await?;
                let asked = control::Asked { api_key: caller.number, request };
                let command = Command::KeepImport { campaign, import, remarks, asked };
                let changed = worker.change_control(command).await?;
                let record = changed.record;
                let record = record.ok_or_else(|| Error::internal("an import left no record"))?;
                Imported::of(record, changed.is_replayed)
            }
        }
    }
}

impl Listing {
    fn add(&mut self, line: u64, code: NormalisedCode) {
        if code.as_str().chars().nth(SHORT_CODE_CHARACTERS - 1).is_none() {
            self.remarks.short += 1;
        }
        match self.view.keys().peppers.as_slice() {
            [only] => self.lister.add(only.pepper.digest(&code), line),
            _ => self.unchecked.push((line, code)),
        }
    }

    async fn make_room(&mut self, worker: &Worker) -> Result<(), Error> {
        self.check(worker).await?;
        self.lister.make_room().await?;
        self.judge_duplicates(worker).await
    }

    async fn finish(
        mut self: Box<Self>,
        worker: &Worker,
    ) -> Result<(control::Import, Remarks), Error> {
        self.check(worker).await?;
        self.lister.finish().await?;
        self.judge_duplicates(worker).await?;
        self.came_of_it.imported = self.lister.listed();
        Ok((self.came_of_it, self.remarks))
    }

    /// Counts what existed already, and asks whose it is: a code of another campaign is no row that
    /// was sent twice.
    async fn judge_duplicates(&mut self, worker: &Worker) -> Result<(), Error> {
        let duplicates = self.lister.take_duplicates();
        let owners = worker.owners(duplicates.iter().map(|&(digest, _)| digest)).await?;
        for ((_, line), owner) in duplicates.into_iter().zip(owners) {
            self.duplicate(line, owner);
        }
        Ok(())
    }

    fn duplicate(&mut self, line: u64, owner: Option<CampaignNumber>) {
        self.came_of_it.duplicates += 1;
        if owner.is_some_and(|owner| owner != self.campaign) {
            self.remarks.found_elsewhere(line);
        }
    }

    /// Hands on what does not exist under another pepper.
    async fn check(&mut self, worker: &Worker) -> Result<(), Error> {
        if self.unchecked.is_empty() {
            return Ok(());
        }
        let view = Rc::clone(&self.view);
        let Some(newest) = view.keys().peppers.first() else {
            return Err(Error::internal("there is no pepper"));
        };
        let codes = std::mem::take(&mut self.unchecked);
        let texts = codes.iter().map(|(_, code)| code);
        let known = worker.known_elsewhere(newest.number, texts).await?;
        for ((line, code), owner) in codes.iter().zip(known) {
            match owner {
                Some(_) => self.duplicate(*line, owner),
                None => self.lister.add(newest.pepper.digest(code), *line),
            }
        }
        Ok(())
    }
}

fn import_into(campaign: CampaignNumber) -> Vec<u8> {
    subject(b"import into ", campaign)
}
