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

/// Those who wait, by the shard that is to have a share.
type ByShard = BTreeMap<u16, Vec<oneshot::Sender<Lent>>>;

/// Who waits for a share of one campaign's total.
#[derive(Debug, Default)]
struct Line {
    by_shard: ByShard,
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

    /// Those who wait, by shard. Whoever comes later waits for the next round: this one may have
    /// looked already, and they may know of what changed since. When nobody waits, the campaign is
    /// no longer served.
    fn wanted(&self, campaign: CampaignNumber) -> ByShard {
        let mut campaigns = self.lock();
        let Some(line) = campaigns.get_mut(&campaign) else { return ByShard::new() };
        let wanted = std::mem::take(&mut line.by_shard);
        line.is_served = !wanted.is_empty();
        line.has_returned = false;
        wanted
    }

    /// Tells those who waited at a shard, and remembers it where nothing is left. A use that was
    /// given back meanwhile was perhaps not seen, and then there is nothing to remember.
    fn tell(
        &self,
        campaign: CampaignNumber,
        since: Option<Revision>,
        lent: Lent,
        waiting: Vec<oneshot::Sender<Lent>>,
    ) {
        if let Some(line) = self.lock().get_mut(&campaign) {
            let nothing = since.filter(|_| lent == Lent::Nothing && !line.has_returned);
            line.nothing = nothing.map(|since| (since, Instant::now() + MEMORY));
        }
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
        let counts = wanted.iter().map(|(&shard, waiting)| (shard, waiting.len() as u64));
        let counts: Vec<_> = counts.collect();
        let lent = Round::new(&books, campaign).lend(&counts).await;
        for (shard, waiting_there) in wanted {
            let lent = lent.get(&shard).copied().unwrap_or(Lent::Unknown);
            waiting.tell(campaign, known, lent, waiting_there);
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

    /// Whether it is remembered that a look found nothing left, after something happened meanwhile;
    /// and what those were told who waited before it.
    fn found_nothing(meanwhile: impl FnOnce(&Waiting)) -> (bool, Option<Lent>) {
        let waiting = Waiting::default();
        let mut wish = pin!(waiting.want(CAMPAIGN, LIMIT, 0));
        assert_eq!(waiting.unserved(), [CAMPAIGN]);
        let wanted = waiting.wanted(CAMPAIGN);
        assert_eq!(wanted.keys().copied().collect::<Vec<_>>(), [0]);
        meanwhile(&waiting);
        for (_, senders) in wanted {
            waiting.tell(CAMPAIGN, LIMIT, Lent::Nothing, senders);
        }
        let is_remembered = waiting.lock()[&CAMPAIGN].has_nothing(LIMIT);
        let told = match wish.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(lent) => Some(lent),
            Poll::Pending => None,
        };
        (is_remembered, told)
    }

    #[test]
    fn what_was_given_back_meanwhile_is_looked_at_again() {
        assert_eq!(found_nothing(|_| {}), (true, Some(Lent::Nothing)));
        let given_back = |waiting: &Waiting| waiting.returned(CAMPAIGN);
        assert_eq!(found_nothing(given_back), (false, Some(Lent::Nothing)));
    }

    #[test]
    fn whoever_comes_while_it_is_looked_waits_for_the_next_look() {
        let late = |waiting: &Waiting| {
            let mut late = Box::pin(waiting.want(CAMPAIGN, LIMIT, 0));
            let poll = late.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
            assert_eq!(waiting.wanted(CAMPAIGN)[&0].len(), 1, "they are in line for another one");
        };
        assert_eq!(found_nothing(late), (true, Some(Lent::Nothing)));
    }
}
