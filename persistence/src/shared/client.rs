//! Connections to Redis: one server, a cluster, or the server that sentinels know.
//!
//! No question is ever asked twice behind the back of whoever asked: a script whose answer is not
//! known may have run.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client as ServerClient, ClientTlsConfig, Cmd, ConnectionAddr,
    ConnectionInfo, FromRedisValue, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    TlsCertificates, TlsMode,
};

use super::options::{Kind, Options};
use crate::tls::{self, Tls};

/// How long the client itself waits for an answer. Whoever asks waits less; after this its place is
/// free again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes connections.
pub(super) struct Client {
    pub(super) options: Options,
    certificates: Option<TlsCertificates>,
}

/// A connection, or one to each node. Clones are the same.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Client {
    /// Takes the options, and looks whether they can be used. Connects to nothing.
    pub(super) fn new(options: Options) -> Result<Self, RedisError> {
        let certificates = options.tls.as_ref().map(certificates);
        if certificates.is_some() {
            tls::prepare();
        }
        let client = Self { options, certificates };
        match client.options.kind {
            Kind::Server => drop(client.server()?),
            Kind::Cluster => drop(client.cluster()?),
            Kind::Sentinel { .. } => drop(client.sentinel()?),
        }
        Ok(client)
    }

    /// Connects. Of sentinels, the one that answers first is asked who the server is.
    pub(super) async fn connect(&self) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.connect_timeout))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_pipeline_buffer_size(self.options.max_in_flight);
        Ok(match self.options.kind {
            Kind::Server => {
                let client = self.server()?;
                Connection::Server(
                    client.get_multiplexed_async_connection_with_config(&config).await?,
                )
            }
            Kind::Cluster => Connection::Cluster(self.cluster()?.get_async_connection().await?),
            Kind::Sentinel { .. } => {
                let mut client = self.sentinel()?;
                Connection::Server(client.get_async_connection_with_config(&config).await?)
            }
        })
    }

    fn server(&self) -> Result<ServerClient, RedisError> {
        let mut nodes = self.nodes()?.into_iter();
        let node = nodes.next().ok_or_else(nowhere)?;
        match &self.certificates {
            Some(certificates) => ServerClient::build_with_tls(node, certificates.clone()),
            None => ServerClient::open(node),
        }
    }

    fn cluster(&self) -> Result<ClusterClient, RedisError> {
        let mut builder = ClusterClientBuilder::new(self.nodes()?)
            .retries(0)
            .connection_timeout(self.options.connect_timeout)
            .response_timeout(ANSWER_TIMEOUT)
            .tcp_settings(tcp_settings());
        if let Some(certificates) = &self.certificates {
            builder = builder.certs(certificates.clone());
        }
        builder.build()
    }

    fn sentinel(&self) -> Result<SentinelClient, RedisError> {
        let Kind::Sentinel { master, password } = &self.options.kind else {
            return Err(nowhere());
        };
        let role = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(self.addresses(), master, role)?
            .set_client_to_redis_db(self.options.database.into())
            .set_client_to_redis_tcp_settings(tcp_settings())
            .set_client_to_sentinel_tcp_settings(tcp_settings());
        if !self.options.user.is_empty() {
            builder = builder.set_client_to_redis_username(&self.options.user);
        }
        if !self.options.password.is_empty() {
            builder = builder.set_client_to_redis_password(&self.options.password);
        }
        if !password.is_empty() {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if let Some(certificates) = &self.certificates {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_certificates(certificates.clone());
        }
        builder.build()
    }

    fn addresses(&self) -> impl Iterator<Item = ConnectionAddr> {
        let is_encrypted = self.certificates.is_some();
        self.options.hosts.iter().map(move |(host, port)| match is_encrypted {
            true => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            },
            false => ConnectionAddr::Tcp(host.clone(), *port),
        })
    }

    fn nodes(&self) -> Result<Vec<ConnectionInfo>, RedisError> {
        let Options { user, password, database, .. } = &self.options;
        let mut redis = RedisConnectionInfo::default().set_db(i64::from(*database));
        if !user.is_empty() {
            redis = redis.set_username(user);
        }
        if !password.is_empty() {
            redis = redis.set_password(password);
        }
        let node = |address: ConnectionAddr| {
            let info = address.into_connection_info()?;
            Ok(info.set_redis_settings(redis.clone()).set_tcp_settings(tcp_settings()))
        };
        self.addresses().map(node).collect()
    }
}

impl Connection {
    /// Asks once.
    pub(super) async fn query<T: FromRedisValue>(&self, command: Cmd) -> Result<T, RedisError> {
        match self.clone() {
            Self::Server(mut connection) => command.query_async(&mut connection).await,
            Self::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }
}

fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn certificates(tls: &Tls) -> TlsCertificates {
    let client_tls = tls.identity.as_ref().map(|(certificate, key)| ClientTlsConfig {
        client_cert: certificate.clone(),
        client_key: key.clone(),
    });
    TlsCertificates { client_tls, root_cert: tls.roots.clone() }
}

fn nowhere() -> RedisError {
    RedisError::from((redis::ErrorKind::InvalidClientConfig, "there is no host"))
}
