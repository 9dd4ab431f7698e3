//! The application: the only place that names concrete parts and puts them together.
//!
//! [`serve`] and what it runs read from top to bottom as the server starts and ends.

pub mod comparison;
mod ending;
mod first_start;
pub mod offline;
pub mod projection;
pub mod projection_commands;
mod sharing;
mod storage;
mod tls;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use redeemd_actors::fatal::Fatal;
use redeemd_actors::node::Node;
use redeemd_actors::recovery::Recovered;
use redeemd_actors::status::Status;
use redeemd_config::{Description, LoadOptions, Settings};
use redeemd_persistence::data_directory::DataDirectory;

use crate::http::{self, Extras, Metrics, Parts, Sockets};
use crate::logging::Logging;
use crate::operation::{Notifier, Operation, Reloader, Stage};
use crate::secrets::{ServerSecret, Vault, Wrapper};
use crate::service::Origin;
use ending::{End, Ending};

/// Why the server did not start, or ended otherwise than it was told to. One line each.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] redeemd_persistence::data_directory::Error),
    /// The settings and the data directory do not go together.
    #[error("{0}")]
    Settings(String),
    /// There is no usable secret.
    #[error(transparent)]
    Secret(#[from] crate::secrets::ServerSecretError),
    /// The keys cannot be made or opened.
    #[error(transparent)]
    Keys(#[from] crate::secrets::KeysError),
    /// A key cannot be made.
    #[error(transparent)]
    Wrapper(#[from] crate::secrets::WrapperError),
    /// The operating system has no randomness.
    #[error("the operating system has no randomness to give: {0}")]
    Randomness(#[from] getrandom::Error),
    /// What is stored cannot be brought back.
    #[error("cannot start from the data directory: {0}")]
    Recovery(#[from] redeemd_actors::recovery::Error),
    /// What a first start needs cannot be made.
    #[error("the first start did not complete: {0}")]
    FirstStart(String),
    /// The server cannot listen.
    #[error(transparent)]
    Server(#[from] http::ServerError),
    /// The metrics cannot be set up.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The operating system refused something else.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It was told to end a second time.
    #[error("told twice to end, and ended at once; nothing that was answered is lost")]
    AtOnce,
    /// The server met what it cannot go on after; its next start recovers.
    #[error("{0}")]
    Fatal(String),
}

/// What is served besides what the settings say.
#[derive(Clone, Debug)]
pub struct Options {
    /// The admin key to let in at the first start, instead of one made and printed then.
    pub bootstrap_admin_key: Option<String>,
    /// The server's secret, instead of that of the secret file.
    pub secret: Option<String>,
    /// What is served besides the interface.
    pub extras: Extras,
    /// Where the settings are loaded from again at SIGHUP; without it they stay.
    pub reload: Option<Reload>,
}

/// What loading the settings again needs.
#[derive(Clone, Debug)]
pub struct Reload {
    /// Where they come from.
    pub options: LoadOptions,
    /// What they were at the start.
    pub described: Description,
    /// The log, whose level may change.
    pub logging: Logging,
}

/// Serves until a signal or a failure ends it. Must not be called within a runtime.
///
/// # Errors
/// See [`Error`].
pub fn serve(settings: &Settings, options: &Options) -> Result<(), Error> {
    actix_web::rt::System::new().block_on(run(settings, options))
}

async fn run(settings: &Settings, options: &Options) -> Result<(), Error> {
    let mut ending = Ending::new()?;
    let database = projection::options(settings)?;
    let operation = Arc::new(Operation::new(settings));
    sharing::begin(settings, &operation)?;
    let notifier = Notifier::new(std::env::var_os("NOTIFY_SOCKET").as_deref());
    let mut sockets = Sockets::inherited()?;
    sockets.reserve(&settings.http)?;
    let metrics = Metrics::new(&operation)?;
    // Health and metrics can be asked while the server starts, where they have a listener of their
    // own; clients wait in the queue of theirs, or are refused.
    let mut running = http::start_operations(&operation, &metrics, settings, &sockets)?;
    for address in &running.operations_addresses {
        say(format_args!("operations http://{address}"))?;
    }

    notifier.status("Bringing back what was stored");
    let opened = tokio::select! {
        opened = open(settings, options, &operation) => opened?,
        () = ending.told() => return told_early(),
    };
    let Opened { directory, recovered, wrapper } = opened;
    let status = Arc::new(Status::new(usize::from(recovered.layout.shards()) + 1));
    let fatal = Fatal::new(Arc::clone(&status), ending.failure());
    let node_options = storage::node_options(settings, recovered.layout);
    let node = Node::start(recovered, &node_options, Arc::clone(&status), &fatal);
    operation.set_node(&node);
    let begun = Instant::now();
    tokio::select! {
        completed = first_start::complete(&node, &wrapper, options.bootstrap_admin_key.as_deref()) => {
            completed?;
        }
        () = ending.told() => return told_early(),
    }
    let vault = Arc::new(Vault::open(wrapper, &node.view.current())?);
    operation.lifecycle.note("actors", begun.elapsed());
    let projector = database.map(|options| {
        let hints = vault.keys(&node.view.current()).hint.clone();
        let status = Arc::clone(&operation.projector);
        projection::start(settings, options, &directory, &node, hints, status)
    });

    let origin = Origin { identity: directory.identity().clone(), disk: directory.disk() };
    let parts = Parts {
        node: node.clone(),
        vault,
        metrics,
        origin,
        operation: Arc::clone(&operation),
        turns: Arc::default(),
    };
    http::start(&parts, settings, options.extras, sockets, &mut running)?;
    operation.lifecycle.enter(Stage::Serving);
    // `listening` last: whoever waits for it may close the pipe then.
    for address in &running.addresses {
        say(format_args!("listening http://{address}"))?;
    }
    tracing::info!(milliseconds = operation.lifecycle.age().as_millis() as u64, "ready");
    notifier.ready("Serving");

    let reloader = options.reload.as_ref().map(|reload| reloader(reload, &operation, &node));
    let end = ending.wait(running, &operation, reloader.map(Arc::new), &notifier).await;
    if let Some(reason) = status.fatal() {
        return Err(Error::Fatal(reason));
    }
    if end == End::AtOnce {
        return Err(Error::AtOnce);
    }
    node.finish().await;
    projection::finish(projector).await;
    sharing::finish(&operation).await;
    drop(directory);
    tracing::info!("ended");
    Ok(())
}

/// What was opened of the data directory.
struct Opened {
    /// Keeps the directory's lock.
    directory: DataDirectory,
    recovered: Recovered,
    wrapper: Wrapper,
}

/// Opens everything on a thread of its own, so that signals and health are heard meanwhile. A
/// process that ends in the middle of it has lost nothing.
async fn open(
    settings: &Settings,
    options: &Options,
    operation: &Arc<Operation>,
) -> Result<Opened, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (settings, secret) = (settings.clone(), options.secret.clone());
    let operation = Arc::clone(operation);
    std::thread::Builder::new().name("recovery".to_owned()).spawn(move || {
        // Nobody listens any more when the server was told to end.
        let _ = sender.send(open_blocking(&settings, secret.as_deref(), &operation));
    })?;
    receiver.await.map_err(|_| Error::Fatal("bringing back what was stored panicked".into()))?
}

fn open_blocking(
    settings: &Settings,
    secret: Option<&str>,
    operation: &Operation,
) -> Result<Opened, Error> {
    let lifecycle = &operation.lifecycle;
    let directory = lifecycle.phase("directory", || storage::open_directory(settings))?;
    let first_start = storage::first_start(&directory);
    let secret = ServerSecret::open(&settings.secret_file, secret, first_start)?;
    let wrapper = Wrapper::new(&secret, &directory.identity().id.0);
    drop(secret);
    let recovered = storage::recover(settings, &directory)?;
    for &(phase, duration) in &recovered.report.phases {
        lifecycle.note(phase, duration);
    }
    storage::report(&recovered, lifecycle.age());
    if recovered.control.machine.secrets().next().is_some() {
        // A wrong secret must show before anything is written.
        first_start::check_secret(&wrapper, &recovered.control.machine)?;
    }
    Ok(Opened { directory, recovered, wrapper })
}

/// Ends a start that is not complete: it is as safe as a crash, and the next one begins anew.
fn told_early() -> Result<(), Error> {
    tracing::info!("told to end before the start was complete");
    Ok(())
}

/// What puts settings into force that were loaded again.
fn reloader(reload: &Reload, operation: &Arc<Operation>, node: &Node) -> Reloader {
    let Reload { options, described, logging } = reload.clone();
    let (node, shown) = (node.clone(), Arc::clone(operation));
    Reloader::new(Arc::clone(operation), options, described, move |settings| {
        let known = shown.live.settings();
        node.policies.change(storage::policies(settings));
        if known.log.level != settings.log.level
            && let Err(error) = logging.change(&settings.log)
        {
            tracing::error!(%error, "the log stays as it was");
        }
    })
}

/// Writes a fact to standard output, where programs read it.
fn say(fact: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{fact}")?;
    output.flush()
}
