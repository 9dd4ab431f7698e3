//! `/campaigns/{id}/codes/import`: bringing codes in, from a body of any size that is read as it
//! comes.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream;
use redeemd_domain::control::RowFault;

use super::answer::{self, Meaning};
use super::body::is_of_type;
use super::json::Object;
use super::problem::{Kind, Problem};
use super::rows::{Form, LONGEST_ROW, RowTooLong, Rows};
use super::site::Site;
use super::{accept, headers};
use crate::service::{Error, Imported, Permission};

/// What is said where an import ends before its file does.
const WHAT_STAYS: &str = "What was imported by then stays; send the whole file again, and nothing is \
                          imported twice.";

/// `POST /campaigns/{id}/codes/import`
pub(super) async fn import(
    site: Site,
    request: HttpRequest,
    mut payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::HandleCodes)?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let campaign = site.campaign(&request)?;
    let form = form(&request)?;
    let mut rows = Rows::new(form);
    let mut import = site.worker.import(caller, key, &campaign, name(form)).await?;
    while let Some(piece) = piece(&site, &mut payload).await? {
        import.read(&piece);
        rows.feed(&piece, |line, text| import.add(line, text)).map_err(too_long)?;
        import.make_room().await.map_err(broken_off)?;
    }
    rows.finish(|line, text| import.add(line, text)).map_err(too_long)?;
    let imported = import.finish().await.map_err(broken_off)?;
    Ok(answer::json(Meaning::Fine, imported.is_replayed, write(&imported)?))
}

/// The form of the body, as its type says.
fn form(request: &HttpRequest) -> Result<Form, Problem> {
    let is_plain = |encoding: &[u8]| encoding.eq_ignore_ascii_case(b"identity");
    let mut encodings = request.headers().get_all(CONTENT_ENCODING);
    if !encodings.all(|encoding| is_plain(encoding.as_bytes())) {
        return Err(Problem::new(
            Kind::UnsupportedMediaType,
            "A file of codes is not read in a content encoding.",
        ));
    }
    let is = |wanted| {
        let given = request.headers().get(CONTENT_TYPE);
        given.is_some_and(|given| is_of_type(given.as_bytes(), wanted))
    };
    let form = [Form::Csv, Form::JsonLines].into_iter().find(|&form| is(name(form)));
    form.ok_or_else(|| {
        Problem::new(
            Kind::UnsupportedMediaType,
            "A file of codes must be text/csv or application/x-ndjson in UTF-8, and its \
             Content-Type must say so.",
        )
    })
}

fn name(form: Form) -> &'static str {
    match form {
        Form::Csv => "text/csv",
        Form::JsonLines => "application/x-ndjson",
    }
}

/// The next piece of the body, which must come in time; `None` behind the last.
async fn piece(site: &Site, payload: &mut Payload) -> Result<Option<Bytes>, Problem> {
    let next = poll_fn(|context| Pin::new(&mut *payload).poll_next(context));
    match tokio::time::timeout(site.body_timeout, next).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) => {
            Err(Problem::field("", "ended before it was complete").explained(WHAT_STAYS))
        }
        Err(_) => Err(Problem::new(Kind::RequestTimeout, WHAT_STAYS)),
    }
}

fn too_long(RowTooLong { line }: RowTooLong) -> Problem {
    let fault = format!("has a row of more than {LONGEST_ROW} bytes, from line {line} on");
    let detail = format!("The body {fault}, so it is no list of codes. {WHAT_STAYS}");
    Problem::field("", fault).explained(detail)
}

/// The problem of an import that ended half-way.
fn broken_off(error: Error) -> Problem {
    let is_half_way = matches!(
        error,
        Error::Overloaded | Error::Unavailable | Error::ReadOnly(_) | Error::OutcomeUnknown(_)
    );
    let problem = Problem::from(error);
    if is_half_way { problem.explained(WHAT_STAYS) } else { problem }
}

fn write(imported: &Imported) -> Result<Vec<u8>, Problem> {
    let import = imported.import();
    let import = import.ok_or_else(|| Problem::internal("an import has another's record"))?;
    let mut body = Vec::with_capacity(128 + 40 * import.rejected.len());
    let mut object = Object::begin(&mut body);
    object.number("imported", import.imported);
    object.number("duplicates", import.duplicates);
    object.number("rejected_count", import.rejected_count);
    object.objects("rejected", &import.rejected, |row, object| {
        object.number("line", row.line);
        object.text("reason", reason(row.fault));
    });
    object.end();
    Ok(body)
}

/// The stable name of a fault.
fn reason(fault: RowFault) -> &'static str {
    match fault {
        RowFault::Empty => "empty",
        RowFault::TooLong => "too_long",
        RowFault::ControlCharacter => "control_character",
        RowFault::ReservedText => "reserved_text",
        RowFault::Malformed => "malformed",
    }
}
