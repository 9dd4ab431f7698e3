//! The thread of Redis: it keeps a connection, looks whether Redis is quick, and makes announcements.
//!
//! Redis is used after a few quick answers in a row. It is looked at while it is used, too, so that
//! it is known to be away even where nobody asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::announcement::Announcement;
use super::attempt::{self, Attempt};
use super::client::Connection;
use super::link::{Link, Standing};
use super::options::Kind;
use super::pace::Pace;
use super::trouble::{Failure, Trouble};

/// Quick answers in a row after which Redis is used.
const QUICK_ANSWERS: u32 = 3;
/// How far apart they are.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(10);
/// How often Redis is looked at while it is used.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long Redis has to have been used until waits begin anew.
const SETTLED: Duration = Duration::from_secs(10);
/// How long a late answer is waited for before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long Redis may not be used before the log says so.
const WORTH_SAYING: Duration = Duration::from_secs(1);
/// Questions by which a cluster is looked at: so many that each node is among those asked, mostly.
const CLUSTER_QUESTIONS: usize = 16;

/// How Redis looked.
enum Look {
    /// It answered in time.
    Quick,
    /// It answered, though not in time.
    Late,
    /// It did not answer, or not well.
    Failed,
}

impl Link {
    /// Does the thread's work, as long as the process lives.
    pub(super) async fn run(self: Arc<Self>, queue: mpsc::Receiver<Announcement>) {
        tokio::join!(self.keep(), self.announce_all(queue));
    }

    /// Keeps a connection.
    async fn keep(&self) {
        let mut pace = Pace::new(self.options().longest_delay);
        let mut teller = Teller::default();
        // Each host that does not answer takes its time.
        let hosts = u32::try_from(self.options().hosts.len()).unwrap_or(u32::MAX);
        let patience = self.options().connect_timeout.saturating_mul(hosts.saturating_add(1));
        loop {
            match timeout(patience, self.client.connect()).await {
                Ok(Ok(connection)) => self.watch(connection, &mut pace, &mut teller).await,
                Ok(Err(error)) => match Failure::from(error) {
                    Failure::Trouble(trouble) => self.fail(trouble),
                    Failure::Elsewhere => {}
                },
                Err(_) => self.fail(Trouble::Away("no connection in time".to_owned())),
            }
            teller.tell(&self.standing());
            pace.fail();
            sleep(pace.delay(chance())).await;
        }
    }

    fn fail(&self, trouble: Trouble) {
        self.numbers.note_trouble(&trouble);
        self.note(Some(trouble));
    }

    /// Looks at Redis until the connection is of no use any more. Uses it while it is quick.
    async fn watch(&self, connection: Connection, pace: &mut Pace, teller: &mut Teller) {
        let mut used = self.used.subscribe();
        let mut quick = 0;
        let mut number = 0;
        loop {
            let look = self.look(&connection, number).await;
            let is_used = used.borrow_and_update().is_some();
            match look {
                Look::Quick if is_used => {
                    if self.standing().age >= SETTLED {
                        pace.settle();
                    }
                }
                Look::Quick => {
                    quick += 1;
                    if quick >= QUICK_ANSWERS {
                        number = self.begin(&connection);
                        used.mark_unchanged();
                        quick = 0;
                    }
                }
                Look::Late => quick = 0,
                Look::Failed => return,
            }
            teller.tell(&self.standing());
            let has_begun = self.used.borrow().is_some();
            if has_begun {
                // Whoever meets trouble first ends the wait.
                if timeout(LOOK_INTERVAL, used.changed()).await.is_err() {
                    continue;
                }
                quick = 0;
            }
            if has_begun || quick == 0 {
                pace.fail();
                sleep(pace.delay(chance())).await;
            } else {
                sleep(BETWEEN_ANSWERS).await;
            }
        }
    }

    /// Uses a connection from now on.
    fn begin(&self, connection: &Connection) -> u64 {
        // A number that was never there before: this is the only place that gives them out, and
        // there is one watcher.
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        self.note(None);
        self.used.send_replace(Some((number, connection.clone())));
        number
    }

    /// Asks what attempts ask, of buckets that are nobody's.
    async fn look(&self, connection: &Connection, number: u64) -> Look {
        let questions = match self.options().kind {
            Kind::Cluster => CLUSTER_QUESTIONS,
            Kind::Server | Kind::Sentinel { .. } => 1,
        };
        let mut asking = JoinSet::new();
        for question in 0..questions {
            let key = format!("{}:look:{question}", self.options().prefix);
            let attempt = Attempt { per_second: 1_000_000, burst: 1, missing: 0 };
            let connection = connection.clone();
            asking.spawn(async move { attempt::take(&connection, &key, attempt).await });
        }
        let asking = async {
            while let Some(answer) = asking.join_next().await {
                // A question that panicked was not answered.
                answer.unwrap_or(Err(Failure::Elsewhere))?;
            }
            Ok(())
        };
        tokio::pin!(asking);
        let (answer, look) = match timeout(self.options().slow, &mut asking).await {
            Ok(answer) => (Some(answer), Look::Quick),
            Err(_) => {
                self.stop_using(number, Trouble::Slow);
                (timeout(PATIENCE, asking).await.ok(), Look::Late)
            }
        };
        let trouble = match answer {
            Some(Ok(()) | Err(Failure::Elsewhere)) => return look,
            Some(Err(Failure::Trouble(trouble))) => trouble,
            None => Trouble::Away("it does not answer".to_owned()),
        };
        self.stop_using(number, trouble);
        Look::Failed
    }

    /// As [`Link::leave`], and remembers why also where it is not used.
    fn stop_using(&self, number: u64, trouble: Trouble) {
        if self.used.borrow().is_some() {
            self.leave(number, trouble);
        } else {
            self.fail(trouble);
        }
    }

    /// Makes announcements, one after the other. One whose answer is not known is made again.
    async fn announce_all(&self, mut queue: mpsc::Receiver<Announcement>) {
        let mut used = self.used.subscribe();
        while let Some(announcement) = queue.recv().await {
            loop {
                let Ok(found) = used.wait_for(Option::is_some).await.map(|used| used.clone())
                else {
                    return;
                };
                let Some((number, connection)) = found else { continue };
                let publish = announcement.publish(&self.options().prefix);
                let told = timeout(PATIENCE, connection.query::<redis::Value>(publish)).await;
                let failure = match told {
                    Ok(Ok(_)) => {
                        self.numbers.note_announced();
                        break;
                    }
                    Ok(Err(error)) => Failure::from(error),
                    Err(_) => Failure::Trouble(Trouble::Slow),
                };
                match failure {
                    // It would be refused again; attempts may be counted all the same.
                    Failure::Trouble(Trouble::Refused(reason)) => {
                        tracing::warn!(reason, "Redis did not take an announcement");
                        self.numbers.note_not_announced();
                        break;
                    }
                    Failure::Trouble(trouble) => self.leave(number, trouble),
                    Failure::Elsewhere => {}
                }
            }
        }
        self.all_announced.notify_one();
    }
}

/// Says in the log what is worth it: once that Redis is not used, and once that it is again. A
/// moment is not worth it.
#[derive(Default)]
struct Teller {
    has_said: bool,
}

impl Teller {
    fn tell(&mut self, standing: &Standing) {
        match &standing.trouble {
            Some(trouble) if !self.has_said && standing.age >= WORTH_SAYING => {
                self.has_said = true;
                tracing::warn!(reason = %trouble, "each server counts attempts for itself");
            }
            None if self.has_said => {
                self.has_said = false;
                tracing::info!("attempts are counted in Redis again");
            }
            _ => {}
        }
    }
}

/// A number by chance. Without randomness of the system there is none, and nothing depends on it.
fn chance() -> u32 {
    getrandom::u32().unwrap_or_default()
}
