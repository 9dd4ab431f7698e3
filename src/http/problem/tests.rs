//! What clients can rely on.

use actix_web::ResponseError as _;
use actix_web::http::header::HeaderValue;
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::refusal::Refusal;

use super::{Kind, Problem};
use crate::http::request_id::RequestId;
use crate::service::Error;

fn document(problem: &Problem) -> serde_json::Value {
    let id = RequestId::of(Some(&HeaderValue::from_static("abc-1")));
    serde_json::from_slice(&problem.document(&id)).unwrap()
}

#[test]
fn a_document_says_everything() {
    let problem = Problem::field("/count", "must be a whole number from 1 to 10");
    assert_eq!(
        document(&problem),
        serde_json::json!({
            "type": "urn:redeemd:problem:validation_failed",
            "title": "The request is not valid.",
            "status": 400,
            "detail": "The field /count must be a whole number from 1 to 10.",
            "instance": "urn:redeemd:request:abc-1",
            "code": "validation_failed",
            "errors": [
                {"pointer": "/count", "detail": "must be a whole number from 1 to 10"}
            ],
        })
    );
}

#[test]
fn an_unknown_outcome_names_the_redemption() {
    let id = RedemptionId::parse("red_0000000000000000000000").unwrap();
    let problem = Problem::from(Error::OutcomeUnknown(Some(id)));
    assert_eq!(document(&problem)["redemption_id"], id.to_string());
    assert_eq!(problem.kind().retry_after_seconds(), Some(1));
}

#[test]
fn every_refusal_has_the_status_of_the_contract() {
    let table = [
        (Refusal::IdempotencyKeyReused, 422, "idempotency_key_reused"),
        (Refusal::InvalidCode, 404, "invalid_code"),
        (Refusal::AmountNotTaken, 400, "validation_failed"),
        (Refusal::AlreadyRolledBack, 409, "already_rolled_back"),
        (Refusal::RollbackTooLate, 409, "rollback_too_late"),
        (Refusal::HoldEnded, 409, "hold_ended"),
        (Refusal::Revoked, 410, "revoked"),
        (Refusal::NotYetValid, 422, "not_yet_valid"),
        (Refusal::Expired, 410, "expired"),
        (Refusal::CampaignArchived, 409, "campaign_archived"),
        (Refusal::CampaignPaused, 409, "campaign_paused"),
        (Refusal::AlreadyRedeemed, 409, "already_redeemed"),
        (Refusal::CodeHeld, 409, "code_held"),
        (Refusal::UserLimitReached, 409, "user_limit_reached"),
        (Refusal::CampaignLimitReached, 409, "campaign_limit_reached"),
        (Refusal::InsufficientBalance, 409, "insufficient_balance"),
        (Refusal::AmountTooLarge, 400, "validation_failed"),
    ];
    assert_eq!(table.map(|(refusal, _, _)| refusal), Refusal::ALL);
    for (refusal, status, name) in table {
        let problem = Problem::from(Error::Refused(refusal));
        assert_eq!((problem.status_code().as_u16(), problem.kind().name()), (status, name));
    }
}

#[test]
fn the_list_of_kinds_is_complete() {
    let names: std::collections::HashSet<_> = Kind::ALL.map(Kind::name).into();
    assert_eq!(names.len(), Kind::ALL.len());
    // A new kind stands before the last one, so that it moves it.
    let numbers = Kind::ALL.map(|kind| kind as usize);
    assert!(numbers.iter().enumerate().all(|(place, number)| place == *number));
    assert_eq!(Kind::OutcomeUnknown as usize + 1, Kind::ALL.len());
}

#[test]
fn the_reason_of_an_internal_error_stays_inside() {
    let problem = Problem::internal("the ledger is damaged");
    assert!(!document(&problem).to_string().contains("ledger"));
    assert_eq!(problem.reason(), Some("the ledger is damaged"));
}
