//! `/clock/believe`: an operator says that the clock is right after a leap.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};

use super::accept;
use super::answer::{self, Meaning};
use super::fields::Fields;
use super::json::Object;
use super::problem::Problem;
use super::site::Site;
use super::time_text::TimeText;
use crate::service::{Believed, Permission};

/// `POST /clock/believe`
pub(super) async fn believe(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit(&request, Permission::BelieveClock)?;
    accept::json(&request)?;
    let body = site.optional_body(&request, payload).await?;
    if !body.is_empty() {
        Fields::of_body(&body)?.finish()?;
    }
    let Believed { leapt, time } = site.worker.believe_clock(caller).await?;
    let mut body = Vec::with_capacity(64);
    let mut object = Object::begin(&mut body);
    object.flag("leapt", leapt);
    object.display("time", &TimeText(time));
    object.end();
    Ok(answer::json(Meaning::Fine, false, body))
}
