//! What outcomes of the control sequence leave: campaigns, issuing, imports, API keys.

use redeemd_domain::campaign::{Campaign, Codes, Status};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{self, Import, Remarks};
use redeemd_domain::identifier::ApiKeyId;
use redeemd_domain::rules::Per;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{Origin, Renderer, signed};
use crate::postgres::rows::{ApiKeyRow, AuditRow, CampaignRow, Rows, moment};

impl Renderer {
    /// Adds the rows of an outcome of the control sequence.
    pub fn control(&self, record: &control::Record, rows: &mut Rows) {
        let control::Record { number, at, api_key, request, event } = record;
        let origin = Origin::new(SequenceId::CONTROL, *number, *at, api_key.0, *request);
        if let Some(campaign) = record.campaign() {
            rows.campaigns.insert(campaign.id.number.0.into(), campaign_row(&origin, campaign));
        }
        let audit = match event {
            control::Event::SecretAdded(name) => {
                let detail = json!({ "purpose": format!("{:?}", name.purpose) });
                AuditRow { detail: Some(detail.to_string()), ..origin.audit("secret_added") }
            }
            control::Event::ApiKeyAdded { id, role, name } => {
                rows.api_keys.push(api_key_row(&origin, id, *role, name));
                let detail = json!({ "id": id.to_string(), "role": role.name(), "name": name });
                AuditRow { detail: Some(detail.to_string()), ..origin.audit("api_key_added") }
            }
            control::Event::ApiKeyRevoked(id) => {
                rows.revoked_api_keys.insert(id.number.0.into(), moment(origin.at));
                let detail = json!({ "id": id.to_string() });
                AuditRow { detail: Some(detail.to_string()), ..origin.audit("api_key_revoked") }
            }
            control::Event::CampaignMade(campaign) => {
                origin.campaign_audit("campaign_made", campaign, described(campaign))
            }
            control::Event::CampaignChanged(campaign) => {
                origin.campaign_audit("campaign_changed", campaign, described(campaign))
            }
            control::Event::Issued { campaign, first, count } => {
                let detail = json!({ "first_index": first, "count": count });
                origin.campaign_audit("codes_issued", campaign, detail)
            }
            control::Event::PatternIssued { campaign, first, span } => {
                let skipped = span.saturating_sub(campaign.issued_from(*first));
                let detail = json!({ "first_index": first, "span": span, "skipped": skipped });
                origin.campaign_audit("codes_issued", campaign, detail)
            }
            control::Event::Imported { campaign, import } => {
                imported(&origin, *campaign, import, &Remarks::default())
            }
            control::Event::ImportKept { campaign, import, remarks } => {
                imported(&origin, *campaign, import, remarks)
            }
        };
        rows.audit.push(audit);
    }
}

impl Origin {
    fn campaign_audit(&self, event: &'static str, campaign: &Campaign, detail: Value) -> AuditRow {
        AuditRow {
            campaign: Some(campaign.id.number.0.into()),
            detail: Some(detail.to_string()),
            ..self.audit(event)
        }
    }
}

fn imported(
    origin: &Origin,
    campaign: CampaignNumber,
    import: &Import,
    remarks: &Remarks,
) -> AuditRow {
    let Import { imported, duplicates, rejected_count, rejected: _ } = import;
    let Remarks { elsewhere, elsewhere_lines: _, short } = remarks;
    let detail = json!({
        "imported": imported,
        "duplicates": duplicates,
        "rejected": rejected_count,
        "duplicates_elsewhere": elsewhere,
        "short": short,
    });
    AuditRow {
        campaign: Some(campaign.0.into()),
        detail: Some(detail.to_string()),
        ..origin.audit("codes_imported")
    }
}

fn api_key_row(origin: &Origin, id: &ApiKeyId, role: control::Role, name: &str) -> ApiKeyRow {
    ApiKeyRow {
        number: id.number.0.into(),
        id: id.to_string(),
        role: role.name(),
        name: name.to_owned(),
        created_at: moment(origin.at),
    }
}

fn campaign_row(origin: &Origin, campaign: &Campaign) -> CampaignRow {
    let (codes, pattern) = kind_of(&campaign.codes);
    let rules = campaign.rules.as_deref();
    let per_user = rules.and_then(|rules| rules.uses_per_user);
    let balance = rules.and_then(|rules| rules.balance);
    CampaignRow {
        number: campaign.id.number.0.into(),
        id: campaign.id.to_string(),
        name: campaign.name.to_string(),
        status: status_name(campaign.status),
        codes,
        pattern,
        issued: signed(campaign.issued_from(0)),
        starts_at: campaign.window.starts_at.map(moment),
        expires_at: campaign.window.expires_at.map(moment),
        uses_per_code: campaign.uses_per_code.map(i64::from),
        uses_per_user: per_user.map(|limit| limit.limit.into()),
        uses_per_user_per: per_user.map(|limit| per_name(limit.per)),
        total_uses: rules.and_then(|rules| rules.total_uses).map(|total| signed(total.limit)),
        currency: balance.map(|balance| balance.currency.to_string()),
        balance_minor_units: balance.map(|balance| signed(balance.minor_units)),
        reward: campaign.reward().map(str::to_owned),
        metadata: campaign.metadata.as_deref().map(str::to_owned),
        revision: campaign.revision.0.into(),
        created_at: moment(campaign.id.at),
        changed_at: moment(origin.at),
        entry: origin.entry,
    }
}

/// A campaign for the history of its changes: what the columns of its table do not keep.
fn described(campaign: &Campaign) -> Value {
    let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::milliseconds);
    // What is stored was checked when it came in; text that is no JSON all the same is kept as text.
    let object = |text: Option<&str>| {
        text.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
    };
    json!({
        "id": campaign.id.to_string(),
        "name": campaign.name,
        "status": status_name(campaign.status),
        "revision": campaign.revision.0,
        "issued": campaign.issued,
        "starts_at_ms": milliseconds(campaign.window.starts_at),
        "expires_at_ms": milliseconds(campaign.window.expires_at),
        "uses_per_code": campaign.uses_per_code,
        "rules": campaign.rules,
        "reward": object(campaign.reward()),
        "metadata": object(campaign.metadata.as_deref()),
    })
}

fn kind_of(codes: &Codes) -> (&'static str, Option<String>) {
    match codes {
        Codes::Sealed { .. } => ("sealed", None),
        Codes::Imported => ("imported", None),
        Codes::Pattern { pattern, .. } => ("pattern", Some(pattern.text().to_owned())),
    }
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Paused => "paused",
        Status::Archived => "archived",
    }
}

fn per_name(per: Per) -> &'static str {
    match per {
        Per::Ever => "ever",
        Per::Day => "day",
        Per::Week => "week",
        Per::Month => "month",
    }
}
