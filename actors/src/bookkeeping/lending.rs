//! Lending shares of campaigns' totals: one task for each campaign in which somebody waits, so that
//! what many wait for is brought once, and no share is ever on two ways.

mod round;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::CampaignNumber;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Books;
use crate::control_view::ControlView;
use round::Round;

/// How long a campaign of which nothing was left is said to have nothing left, without asking
/// again.
const MEMORY: Duration = Duration::from_millis(200);

/// What came of waiting for a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lent {
    /// The shard has something, or may have; it is worth asking it again.
    Perhaps,
    /// Nothing is left of the total anywhere.
    Nothing,
    /// A shard or the control sequence cannot be asked, so nobody knows.
    Unknown,
}

/// Who waits for shares.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    campaigns: Mutex<BTreeMap<CampaignNumber, Line>>,
    some: Notify,
}

/// Who waits for a share of one campaign's total.
#[derive(Debug, Default)]
struct Line {
    by_shard: BTreeMap<u16, Vec<oneshot::Sender<Lent>>>,
    /// Whether a task brings shares at present.
    is_served: bool,
    /// Whether a use was given back since that task last began to look.
    has_returned: bool,
    /// Of which limit nothing is left, and until when that is not asked again.
    nothing: Option<(Revision, Instant)>,
}

impl Line {
    /// Whether it is remembered that nothing is left of a limit.
    fn has_nothing(&self, since: Option<Revision>) -> bool {
        self.nothing.is_some_and(|(of, until)| since == Some(of) && Instant::now() < until)
    }
}

impl Waiting {
    /// Waits for a share of the limit that is so since a revision, as far as that is known.
    pub(super) fn want(
        &self,
        campaign: CampaignNumber,
        since: Option<Revision>,
        shard: u16,
    ) -> impl Future<Output = Lent> + use<> {
        let waiting = {
            let mut campaigns = self.lock();
            let line = campaigns.entry(campaign).or_default();
            if line.has_nothing(since) {
                Err(Lent::Nothing)
            } else {
                let (sender, receiver) = oneshot::channel();
                line.by_shard.entry(shard).or_default().push(sender);
                if !line.is_served {
                    self.some.notify_one();
                }
                Ok(receiver)
            }
        };
        async move {
            match waiting {
                Ok(receiver) => receiver.await.unwrap_or(Lent::Unknown),
                Err(lent) => lent,
            }
        }
    }

    /// A use of a campaign was given back, so that something may be left again.
    pub(super) fn returned(&self, campaign: CampaignNumber) {
        if let Some(line) = self.lock().get_mut(&campaign) {
            line.nothing = None;
            line.has_returned = true;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CampaignNumber, Line>> {
        self.campaigns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The campaigns in which somebody waits and nobody serves; they are served from now on.
    fn unserved(&self) -> Vec<CampaignNumber> {
        let mut unserved = Vec::new();
        let now = Instant::now();
        let mut campaigns = self.lock();
        campaigns.retain(|&campaign, line| {
            if !line.is_served && !line.by_shard.is_empty() {
                line.is_served = true;
                unserved.push(campaign);
            }
            line.is_served || line.nothing.is_some_and(|(_, until)| now < until)
        });
        unserved
    }

    /// How many wait at which shard. When nobody does, the campaign is no longer served.
    fn wanted(&self, campaign: CampaignNumber) -> Vec<(u16, u64)> {
        let mut campaigns = self.lock();
        let Some(line) = campaigns.get_mut(&campaign) else { return Vec::new() };
        let wanted = line.by_shard.iter().map(|(&shard, waiting)| (shard, waiting.len() as u64));
        let wanted: Vec<_> = wanted.collect();
        line.is_served = !wanted.is_empty();
        line.has_returned = false;
        wanted
    }

    /// Tells those who wait at a shard. Some of them may have come while it was looked what is left,
    /// and may know of what changed since: of a use that was given back, or, unless the limit `is_so`
    /// still, of another one. So they look again rather than hear that nothing is left.
    fn tell(
        &self,
        campaign: CampaignNumber,
        since: Option<Revision>,
        is_so: impl FnOnce() -> bool,
        shard: u16,
        mut lent: Lent,
    ) {
        let waiting = {
            let mut campaigns = self.lock();
            let Some(line) = campaigns.get_mut(&campaign) else { return };
            if lent == Lent::Nothing && (line.has_returned || !is_so()) {
                lent = Lent::Perhaps;
            }
            let nothing = since.filter(|_| lent == Lent::Nothing);
            line.nothing = nothing.map(|since| (since, Instant::now() + MEMORY));
            line.by_shard.remove(&shard).unwrap_or_default()
        };
        for sender in waiting {
            // Whoever does not wait any more does not want to know.
            let _ = sender.send(lent);
        }
    }
}

/// Serves whoever waits.
pub(super) async fn run(books: Rc<Books>, waiting: Arc<Waiting>) {
    loop {
        waiting.some.notified().await;
        for campaign in waiting.unserved() {
            actix::spawn(serve(Rc::clone(&books), Arc::clone(&waiting), campaign));
        }
    }
}

async fn serve(books: Rc<Books>, waiting: Arc<Waiting>, campaign: CampaignNumber) {
    loop {
        let wanted = waiting.wanted(campaign);
        if wanted.is_empty() {
            return;
        }
        // Known before it is asked, so that no other limit is taken for the one that was asked for.
        let known = since(&books.view, campaign);
        let lent = Round::new(&books, campaign).lend(&wanted).await;
        for (shard, _) in wanted {
            let lent = lent.get(&shard).copied().unwrap_or(Lent::Unknown);
            waiting.tell(campaign, known, || since(&books.view, campaign) == known, shard, lent);
        }
    }
}

/// The revision since which a campaign's total is what it is.
pub(super) fn since(view: &ControlView, campaign: CampaignNumber) -> Option<Revision> {
    let control = view.current();
    control.campaign(campaign)?.rules.as_deref()?.total_uses.map(|total| total.since)
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const CAMPAIGN: CampaignNumber = CampaignNumber(7);
    const LIMIT: Option<Revision> = Some(Revision(3));

    /// What somebody hears who waits while it is looked what is left, and finds nothing.
    fn heard(meanwhile: impl FnOnce(&Waiting), is_so: bool) -> (Lent, bool) {
        let waiting = Waiting::default();
        let mut wish = pin!(waiting.want(CAMPAIGN, LIMIT, 0));
        assert_eq!(waiting.unserved(), [CAMPAIGN]);
        assert_eq!(waiting.wanted(CAMPAIGN), [(0, 1)]);
        meanwhile(&waiting);
        waiting.tell(CAMPAIGN, LIMIT, || is_so, 0, Lent::Nothing);
        let is_remembered = waiting.lock()[&CAMPAIGN].has_nothing(LIMIT);
        match wish.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(lent) => (lent, is_remembered),
            Poll::Pending => panic!("nobody was told anything"),
        }
    }

    #[test]
    fn what_changes_while_it_is_looked_is_looked_at_again() {
        assert_eq!(heard(|_| {}, true), (Lent::Nothing, true));
        let given_back = |waiting: &Waiting| waiting.returned(CAMPAIGN);
        assert_eq!(heard(given_back, true), (Lent::Perhaps, false));
        assert_eq!(heard(|_| {}, false), (Lent::Perhaps, false));
    }
}
