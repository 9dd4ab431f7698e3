//! The server's secret and everything that hangs on it: the keys of codes, which are kept only
//! enciphered, and API keys, which are kept only as digests.
//!
//! Nothing in here may be logged, shown or stored in the clear, so no `Debug` writes a secret. It
//! must never know HTTP, the journal, or which codes exist.

mod api_key;
mod keys;
mod server_secret;
mod vault;
mod wrapping;

pub use api_key::{ApiKeyText, digest_of_api_key};
pub use keys::{Keys, KeysError, NumberedPepper};
pub use server_secret::{FirstStart, ServerSecret, ServerSecretError};
pub use vault::Vault;
pub use wrapping::{DIRECTORY_ID_BYTES, SECRET_BYTES, Unwrapped, Wrapper, WrapperError};
