//! Which database server is asked: the replica, where there is one, and otherwise the primary.

use std::time::Duration;

use actix_web::rt::SystemRunner;
use redeemd_config::Settings;
use redeemd_persistence::postgres::{self, Possession, Projection, Standing};

use super::super::projection::{options, replica_options};
use super::super::projection_commands::Error;

/// How long one question may take: tables are counted and looked through as a whole.
const PATIENCE: Duration = Duration::from_secs(600);

/// Which server is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// The replica, where the settings name one.
    Replica,
    /// The primary in any case.
    Primary,
}

/// What is known of the replica that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// How long ago the primary committed what the replica carried out last.
    pub time: Option<Duration>,
    /// How many entries it is behind its primary; nothing where the primary cannot be asked.
    pub entries: Option<u64>,
}

/// Says something to whoever runs the command.
pub type Notice = Box<dyn Fn(&str)>;

/// The servers, and who is asked.
pub(super) struct Sources {
    runner: SystemRunner,
    primary: Projection,
    replica: Option<Projection>,
    notice: Notice,
}

/// What was found at first.
pub(super) struct Found {
    /// What the server that is asked has.
    pub(super) possession: Possession,
    /// What the primary has, where another one is asked and the primary can be, too.
    pub(super) primary: Option<Possession>,
    /// How far behind the replica is, where it is asked.
    pub(super) lag: Option<Lag>,
}

impl Sources {
    /// The servers that the settings name, and what they have.
    pub(super) fn open(
        settings: &Settings,
        preference: Preference,
        notice: Notice,
    ) -> Result<(Self, Found), Error> {
        let wrong = |error: super::super::Error| Error::Settings(error.to_string());
        let none = || Error::Settings("there is no database: postgres.url is empty".to_owned());
        let primary = options(settings).map_err(wrong)?.ok_or_else(none)?.patient(PATIENCE);
        let replica = match preference {
            Preference::Replica => replica_options(settings).map_err(wrong)?,
            Preference::Primary => None,
        };
        let runner = actix_web::rt::System::new();
        let (primary, replica) = runner.block_on(async {
            let replica = replica.map(|options| Projection::new(&options.patient(PATIENCE)));
            (Projection::new(&primary), replica)
        });
        let mut sources = Self { runner, primary, replica, notice };
        let found = sources.look()?;
        Ok((sources, found))
    }

    /// Asks whoever is to be asked. A replica that does not answer is asked once more, since it may
    /// have had to give way to what it carries out; then the primary is, from there on.
    pub(super) fn ask<T>(
        &mut self,
        mut question: impl AsyncFnMut(&Projection) -> Result<T, postgres::Error>,
    ) -> Result<T, postgres::Error> {
        if let Some(replica) = &self.replica {
            let first = self.runner.block_on(question(replica));
            let answer = first.or_else(|_| self.runner.block_on(question(replica)));
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => self.give_up(&format!("it cannot be asked: {error}")),
            }
        }
        self.runner.block_on(question(&self.primary))
    }

    /// Looks who has what.
    fn look(&mut self) -> Result<Found, Error> {
        let at_primary = self.runner.block_on(self.primary.possession());
        let at_replica = self.replica.as_ref().map(|replica| {
            self.runner.block_on(async {
                Ok::<_, postgres::Error>((replica.standing().await?, replica.possession().await?))
            })
        });
        let reason = match at_replica {
            None => None,
            Some(Err(error)) => Some(format!("it cannot be asked: {error}")),
            Some(Ok((Standing::Primary, _))) => {
                Some("it follows no other server, so it may have anything".to_owned())
            }
            Some(Ok((_, None))) => Some("it has nothing of a server yet".to_owned()),
            Some(Ok((Standing::Replica { lag }, Some(possession)))) => {
                let primary = at_primary.as_ref().ok().and_then(Option::as_ref);
                let is_same = |primary: &Possession| {
                    (primary.directory, primary.epoch) == (possession.directory, possession.epoch)
                };
                if primary.is_none_or(is_same) {
                    let entries = primary.map(|primary| behind(primary, &possession));
                    let lag = Some(Lag { time: lag, entries });
                    let primary = primary.cloned();
                    return Ok(Found { possession, primary, lag });
                }
                Some("it has another data directory than its primary".to_owned())
            }
        };
        if let Some(reason) = reason {
            self.give_up(&reason);
        }
        let possession = at_primary?.ok_or_else(|| {
            Error::Settings("no server has ever written to this database".to_owned())
        })?;
        Ok(Found { possession, primary: None, lag: None })
    }

    fn give_up(&mut self, reason: &str) {
        self.replica = None;
        (self.notice)(&format!("the primary is asked instead of the replica: {reason}"));
    }
}

/// How many entries a replica is behind.
fn behind(primary: &Possession, replica: &Possession) -> u64 {
    let behind = |sequence| primary.through(sequence).saturating_sub(replica.through(sequence));
    primary.sequences().map(behind).sum()
}
