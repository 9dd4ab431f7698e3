//! What there is to play with: the campaigns, and fresh codes of each in every round.
//!
//! It is set while nobody is killed, so everything that is asked for is there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use redeemd::client::{Client, Request};
use serde_json::{Value, json};

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::book::Book;
use super::campaign::{Campaign, Code, Total};
use super::terms::{self, Terms};
use crate::site::{admin, codes_of};

/// How many codes of each campaign there are at first, and how many each round adds.
const CODES: (usize, usize) = (6, 2);

/// Makes campaigns and codes.
pub(super) struct Stage<'a> {
    client: Client,
    book: &'a Book,
}

impl<'a> Stage<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book) -> Self {
        Self { client: admin(address), book }
    }

    /// Sees to it that there is something to play with.
    pub(super) fn set(&mut self) -> Result<(), Fault> {
        let is_first = self.book.campaigns().is_empty();
        if is_first {
            terms::ALL.iter().try_for_each(|terms| self.make(terms))?;
        }
        for campaign in self.book.campaigns() {
            self.issue(&campaign, if is_first { CODES.0 } else { CODES.1 })?;
        }
        Ok(())
    }

    /// Issues codes of a campaign.
    pub(super) fn issue(
        &mut self,
        campaign: &Arc<Campaign>,
        count: usize,
    ) -> Result<Vec<Arc<Code>>, Fault> {
        let path = format!("/api/v1/campaigns/{}/codes", campaign.id);
        let body = json!({ "count": count }).to_string();
        let request = Request::post(&path, &body).accept("text/csv");
        let issued = match send(&mut self.client, &request)? {
            Sent::Answered(answer) if answer.status() == 201 => codes_of(answer.body()),
            _ => return Err(format!("no codes of {} are issued", campaign.terms.name)),
        };
        let mut codes = Vec::with_capacity(issued.len());
        for text in issued {
            let body = json!({ "code": text }).to_string();
            let found = self.done(&Request::post("/api/v1/codes/lookup", &body), 200)?;
            let hint = found["code_hint"].as_str().ok_or("a code has no hint")?.to_owned();
            let code = Arc::new(Code { text, hint, campaign: Arc::clone(campaign) });
            // Two codes may have the same hint; then only one of them is used.
            let mut known = self.book.codes.write().unwrap();
            if !known.contains_key(&code.hint) {
                known.insert(code.hint.clone(), Arc::clone(&code));
                codes.push(code);
            }
        }
        campaign.codes.write().unwrap().extend(codes.iter().cloned());
        Ok(codes)
    }

    fn make(&mut self, terms: &'static Terms) -> Result<(), Fault> {
        let body = terms.body().to_string();
        let made = self.done(&Request::post("/api/v1/campaigns", &body), 201)?;
        let id = made["id"].as_str().ok_or("a campaign has no id")?.to_owned();
        let total = Mutex::new(Total::new(terms.total_uses.unwrap_or_default()));
        let campaign = Campaign { id, terms, codes: Default::default(), total };
        self.book.campaigns.write().unwrap().push(Arc::new(campaign));
        Ok(())
    }

    fn done(&mut self, request: &Request<'_>, status: u16) -> Result<Value, Fault> {
        match send(&mut self.client, request)? {
            Sent::Answered(answer) if answer.status() == status => {
                answer.json().map_err(|error| error.to_string())
            }
            Sent::Answered(answer) => Err(format!("setting the stage got {}", answer.summary())),
            Sent::CutOff | Sent::Not => Err("setting the stage got no answer".to_owned()),
        }
    }
}
