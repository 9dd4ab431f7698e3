//! The application: the only place that names concrete parts and puts them together.
//!
//! [`serve`] reads from top to bottom as the server starts and ends.

mod ending;
mod first_start;
pub mod offline;
mod storage;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use redeemd_actors::fatal::Fatal;
use redeemd_actors::node::Node;
use redeemd_actors::status::Status;
use redeemd_config::Settings;

use crate::http::{self, Extras, Metrics, Parts};
use crate::secrets::{ServerSecret, Vault, Wrapper};
use crate::service::Origin;
use ending::Ending;

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
}

/// Serves until a signal or a failure ends it. Must not be called within a runtime.
///
/// # Errors
/// See [`Error`].
pub fn serve(settings: &Settings, options: &Options) -> Result<(), Error> {
    let begun = Instant::now();
    let directory = storage::open_directory(settings)?;
    let first_start = storage::first_start(&directory);
    let secret = ServerSecret::open(&settings.secret_file, options.secret.as_deref(), first_start)?;
    let wrapper = Wrapper::new(&secret, &directory.identity().id.0);
    drop(secret);

    let recovered = storage::recover(settings, &directory)?;
    storage::report(&recovered, begun.elapsed());
    if recovered.control.machine.secrets().next().is_some() {
        // A wrong secret must show before anything is written.
        first_start::check_secret(&wrapper, &recovered.control.machine)?;
    }

    actix_web::rt::System::new().block_on(async {
        let status = Arc::new(Status::new(usize::from(recovered.layout.shards()) + 1));
        let ending = Ending::new()?;
        let fatal = Fatal::new(Arc::clone(&status), ending.failure());
        let node_options = storage::node_options(settings, recovered.layout);
        let node = Node::start(recovered, &node_options, Arc::clone(&status), &fatal);
        first_start::complete(&node, &wrapper, options.bootstrap_admin_key.as_deref()).await?;
        let vault = Arc::new(Vault::open(wrapper, &node.view.current())?);

        let origin = Origin { identity: directory.identity().clone(), disk: directory.disk() };
        let parts = Parts { node: node.clone(), vault, metrics: Metrics::new()?, origin };
        let running = http::start(&parts, &settings.http, options.extras)?;
        // `listening` last: whoever waits for it may close the pipe then.
        for address in &running.operations_addresses {
            say(format_args!("operations http://{address}"))?;
        }
        for address in &running.addresses {
            say(format_args!("listening http://{address}"))?;
        }
        tracing::info!(milliseconds = begun.elapsed().as_millis() as u64, "ready");

        let grace = std::time::Duration::from_secs(settings.http.shutdown_grace_seconds);
        ending.wait(running, grace).await;
        if let Some(reason) = status.fatal() {
            return Err(Error::Fatal(reason));
        }
        node.finish().await;
        tracing::info!("ended");
        Ok(())
    })
}

/// Writes a fact to standard output, where programs read it.
fn say(fact: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{fact}")?;
    output.flush()
}
