//! `/backup`: everything of the data directory in one file, while the server goes on.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::BodyStream;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream;

use super::accept;
use super::answer::{self, Meaning};
use super::problem::Problem;
use super::site::Site;
use crate::service::{Backup, Error, Permission};

/// The media type of an archive.
const ARCHIVE: &str = "application/x-tar";

/// `GET /backup`
pub(super) async fn take(site: Site, request: HttpRequest) -> Result<HttpResponse, Problem> {
    site.admit(&request, Permission::BackUp)?;
    accept::choose(&request, &[ARCHIVE])?;
    let backup = site.worker.back_up(site.origin.clone()).await?;
    let mut response = answer::begin(Meaning::Fine, false);
    answer::not_to_be_stored(&mut response);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(ARCHIVE)));
    let name = HeaderValue::from_static("attachment; filename=\"redeemd-backup.tar\"");
    response.insert_header((CONTENT_DISPOSITION, name));
    Ok(response.body(BodyStream::new(Pieces(backup))))
}

/// The pieces of a backup as they come.
struct Pieces(Backup);

impl Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.0.pieces.poll_recv(context));
        Poll::Ready(piece.map(|piece| piece.map(Bytes::from)))
    }
}
