//! `/redemptions/batch`: redeeming up to a thousand codes with one request.

use std::borrow::Cow;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::value::RawValue;

use super::answer::{self, Meaning};
use super::fields::{Fields, Objection};
use super::json::Object;
use super::kinds::{list, name};
use super::problem::Problem;
use super::redemptions::{self, Wish};
use super::request_id::RequestId;
use super::site::Site;
use super::{accept, headers};
use crate::service::{IdempotencyKey, Permission, Redeemed, Redemption};

/// The most redemptions of one batch.
const MOST: usize = 1_000;

/// The name of the list in the body.
const LIST: &str = "redemptions";

/// About how long a result is, in bytes.
const USUAL_RESULT_BYTES: usize = 400;

/// `POST /redemptions/batch`
pub(super) async fn redeem(
    site: Site,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = site.admit_with_body(&request, Permission::RedeemInBatches).await?;
    accept::json(&request)?;
    let key = headers::idempotency_key(&request)?;
    let body = site.large_body(&request, payload).await?;
    let mut fields = Fields::of_body(&body)?;
    let items = fields.required(LIST, list::<MOST>);
    fields.finish()?;

    let read = |(place, item)| Item::read(item, place, key.as_ref());
    let items: Vec<Result<Item<'_>, Problem>> = (0..).zip(items).map(read).collect();
    let wanted: Vec<_> = items.iter().flatten().map(Item::redemption).collect();
    let redeemed = site.worker.redeem_all(caller, &wanted).await;
    redeemed.iter().for_each(|redeemed| site.metrics.count_redemption(redeemed));
    let mut redeemed = redeemed.into_iter();
    let results = items.into_iter().map(|item| match item {
        Ok(_) => redeemed.next().map_or_else(missing, |redeemed| redeemed.map_err(Problem::from)),
        Err(problem) => Err(problem),
    });
    let results: Vec<Result<Redeemed, Problem>> = results.collect();
    let id = RequestId::of_request(&request);
    for problem in results.iter().filter_map(|result| result.as_ref().err()) {
        problem.log(&id, "/api/v1/redemptions/batch");
    }
    Ok(answer::json(Meaning::Fine, false, write(&results, &id)))
}

fn missing() -> Result<Redeemed, Problem> {
    Err(Problem::internal("a redemption of a batch was not answered"))
}

/// One redemption of a batch.
struct Item<'a> {
    wish: Wish<'a>,
    key: Option<IdempotencyKey>,
}

impl<'a> Item<'a> {
    /// Reads an item; `shared` is the key of the whole batch.
    fn read(
        item: &'a RawValue,
        place: u32,
        shared: Option<&IdempotencyKey>,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::of_item(item, LIST, place)?;
        let wish = Wish::take(&mut fields);
        let own = fields.take("idempotency_key", idempotency_key).given();
        fields.finish()?;
        Ok(Self { wish, key: own.or_else(|| shared.map(|key| key.at(place))) })
    }

    fn redemption(&self) -> Redemption<'_> {
        self.wish.redemption(self.key.as_ref())
    }
}

fn idempotency_key(value: &RawValue) -> Result<IdempotencyKey, Objection> {
    let key = name(value).and_then(|name| IdempotencyKey::parse(name.as_bytes()));
    key.ok_or(Cow::Borrowed("must be a text of 1 to 255 printable characters"))
}

fn write(results: &[Result<Redeemed, Problem>], id: &RequestId) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + USUAL_RESULT_BYTES * results.len());
    let mut object = Object::begin(&mut body);
    object.objects("results", results, |result, object| match result {
        Ok(redeemed) => {
            object.number("status", Meaning::Made.status().into());
            object.object("redemption", |object| redemptions::write_fields(redeemed, object));
            if redeemed.is_replayed {
                object.flag("replayed", true);
            }
        }
        Err(problem) => {
            object.number("status", problem.status().into());
            object.object("problem", |object| problem.write(id, object));
        }
    });
    object.end();
    body
}
