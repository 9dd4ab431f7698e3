//! `/campaigns/{id}/codes/import`: bringing codes in, from a body of any size that is read as it
//! comes.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream;
use redeemd_domain::control::RowFault;

use super::answer::{self, Meaning};
use super::body::{is_encoded, is_of_type};
use super::json::Object;
use super::parameters::Parameters;
use super::problem::{Kind, Problem};
use super::rows::{Form, HeadingFault, LONGEST_ROW, Rows, Unreadable};
use super::site::Site;
use super::{accept, headers};
use crate::service::{Error, Imported, Permission};

/// The parameter that names the column with the codes, and the longest such name, in characters.
const COLUMN: &str = "column";
const LONGEST_COLUMN: usize = 100;

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
    let column = column(&request, form)?;
    let mut rows = Rows::new(form, column.as_deref());
    // What is read of the same body depends on the column.
    let read_as = match &column {
        Some(column) => format!("{}; column={column}", name(form)),
        None => name(form).to_owned(),
    };
    let mut import = site.worker.import(caller, key, &campaign, &read_as).await?;
    while let Some(piece) = piece(&site, &mut payload).await? {
        import.read(&piece);
        if import.wants_rows() {
            rows.feed(&piece, |line, text| import.add(line, text)).map_err(unreadable)?;
            import.make_room().await.map_err(broken_off)?;
        }
    }
    rows.finish(|line, text| import.add(line, text)).map_err(unreadable)?;
    let imported = import.finish().await.map_err(broken_off)?;
    Ok(answer::json(Meaning::Fine, imported.is_replayed, write(&imported)?))
}

/// The name of the column with the codes, if the address has one.
fn column(request: &HttpRequest, form: Form) -> Result<Option<String>, Problem> {
    let column = Parameters::of(request, &[COLUMN])?.text(COLUMN)?;
    match &column {
        None => {}
        Some(_) if form != Form::Csv => {
            return Err(Problem::parameter(COLUMN, "goes with text/csv alone"));
        }
        Some(name) if name.trim().is_empty() || name.chars().count() > LONGEST_COLUMN => {
            let objection = format!("must have from 1 to {LONGEST_COLUMN} characters");
            return Err(Problem::parameter(COLUMN, objection));
        }
        Some(_) => {}
    }
    Ok(column)
}

/// The form of the body, as its type says.
fn form(request: &HttpRequest) -> Result<Form, Problem> {
    if is_encoded(request) {
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

/// The problem of a body that is no list of codes.
fn unreadable(reason: Unreadable) -> Problem {
    match reason {
        Unreadable::TooLong { line } => too_long(line),
        Unreadable::Heading(fault) => no_heading(fault),
    }
}

/// The problem of a first line that says not where the codes stand, with what to do.
fn no_heading(fault: HeadingFault) -> Problem {
    const NAME_IT: &str = "`code`, or name it by the parameter `column`";
    let field = |fault: &'static str, detail: String| {
        Problem::field("", fault).explained(format!("{detail} Nothing was imported."))
    };
    match fault {
        HeadingFault::NoText => field(
            "is no text: its first line has zeros",
            "The first line has zeros, so the body is no text: a workbook (.xlsx), a packed file, \
             or UTF-16 without a byte order mark. Save it as \"CSV UTF-8\", and send that."
                .to_owned(),
        ),
        HeadingFault::Json => field(
            "is JSON, and no CSV",
            "The first line is JSON. A file with `{\"code\":\"…\"}` on each line is to be sent as \
             application/x-ndjson (`redeemd codes import --format ndjson`); any other JSON is not \
             read. If the line is a code, put a line with `code` above it."
                .to_owned(),
        ),
        HeadingFault::NoColumn => field(
            "has several columns, and none of them is called `code` in its first line",
            format!(
                "The first line has several columns, and none of them is called `code`. Call the \
                 one with the codes {NAME_IT}."
            ),
        ),
        HeadingFault::Unclear => field(
            "has a first line that may be the name of a column, or a code",
            format!(
                "The first line may be the name of a column, or a code. If it is a name, call the \
                 column {NAME_IT}. If it is a code, put a line with `code` above it."
            ),
        ),
        HeadingFault::NotThatColumn => {
            let fault = "is the name of no column in the first line of the file";
            let detail = format!("The parameter {COLUMN} {fault}. Nothing was imported.");
            Problem::parameter(COLUMN, fault).explained(detail)
        }
    }
}

fn too_long(line: u64) -> Problem {
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
    if let Some(remarks) = imported.remarks() {
        object.number("elsewhere", remarks.elsewhere);
        object.numbers("elsewhere_lines", &remarks.elsewhere_lines);
        object.number("short", remarks.short);
    }
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
