//! The HTTP interface: from requests to the service and back.
//!
//! Each area of the interface has a file; `problem` alone knows the status codes of errors, and
//! `boundary` is what every request passes on its way in and out. Nothing here touches a store or
//! decides anything about a code.

mod accept;
mod access_log;
mod admission;
mod amount;
mod announcing;
mod answer;
mod api_keys;
mod authentication;
mod backup;
mod baseline;
mod body;
mod boundary;
mod campaign_body;
mod campaign_rules;
mod campaigns;
mod client_address;
mod clock;
mod code_stream;
mod codes;
mod cross_origin;
mod cursor;
mod description;
mod events;
mod exposition;
mod fields;
mod foreign_json;
mod headers;
mod health;
mod holds;
mod imports;
mod json;
mod kinds;
mod lookup;
mod metrics;
mod node_metrics;
mod parameters;
mod problem;
mod projector_metrics;
mod rate_limit;
mod raw_json;
mod redemption_batch;
mod redemption_list;
mod redemptions;
mod request_id;
mod revocation;
mod rollbacks;
mod routes;
mod rows;
mod server;
mod sharing_metrics;
mod site;
mod sockets;
mod time_text;
mod top_ups;
mod trace_id;
mod validations;
mod watched;

pub(crate) use campaign_rules::TimeOfDay;
pub(crate) use events::{PositionText, text_of as event_text};
pub use metrics::Metrics;
pub use routes::Extras;
pub use server::{Parts, Running, ServerError, start, start_operations};
pub use sockets::Sockets;
pub use time_text::TimeText;
pub(crate) use time_text::parse as parse_time;
