//! The parameters of addresses: known ones, each at most once.

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;
use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::identifier::CampaignId;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::problem::Problem;
use super::site::Site;
use crate::service::Resource;

/// The most items on a page, and how many there are where nothing is said.
const MOST_ON_PAGE: u64 = 1000;
const USUAL_ON_PAGE: u64 = 100;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Parameters<'a> {
    /// The parameters, which are among the known ones.
    ///
    /// # Errors
    /// When there is one that is not known, or that is given twice.
    pub(super) fn of(request: &'a HttpRequest, known: &[&'static str]) -> Result<Self, Problem> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for part in request.query_string().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let Some(&name) = known.iter().find(|&&known| known == name) else {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = format!("has a parameter that is not known; known: {known}");
                return Err(Problem::parameter("query", detail));
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(Problem::parameter(name, "must not be given twice"));
            }
            given.push((name, value));
        }
        Ok(Self { given })
    }

    /// A whole number within a range, if it is given.
    ///
    /// # Errors
    /// When it is not one.
    pub(super) fn whole(
        &self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            Problem::parameter(name, format!("must be a whole number from {least} to {most}"))
        })
    }

    /// How much of a list the client wants at a time.
    ///
    /// # Errors
    /// When it is not a number that a page can have.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.whole("limit", 1..=MOST_ON_PAGE)?.unwrap_or(USUAL_ON_PAGE);
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// A text, as it was before it was escaped for the address: percent-encoded, a plus sign for a
    /// space (WHATWG URL, section 5).
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let value = value.replace('+', " ");
        let text = percent_decode_str(&value).decode_utf8();
        let objection = |_| Problem::parameter(name, "must be percent-encoded UTF-8");
        text.map(|text| Some(text.into_owned())).map_err(objection)
    }

    /// The campaign that `campaign_id` names, if it is given.
    ///
    /// # Errors
    /// When there is no such campaign.
    pub(super) fn campaign(&self, site: &Site) -> Result<Option<CampaignNumber>, Problem> {
        let Some(text) = self.get("campaign_id") else { return Ok(None) };
        let campaign = CampaignId::parse(text).and_then(|id| site.worker.campaign(id).ok());
        let number = campaign.map(|campaign| campaign.id.number);
        number.map(Some).ok_or_else(|| Problem::parameter("campaign_id", "names no campaign"))
    }

    /// A value as it stands in the address.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.given.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }
}

impl Site {
    /// The campaign that a request's address names.
    ///
    /// # Errors
    /// `not_found` where there is none.
    pub(super) fn campaign(&self, request: &HttpRequest) -> Result<Arc<Campaign>, Problem> {
        let id = request.match_info().get("id").and_then(CampaignId::parse);
        let id = id.ok_or_else(|| Problem::missing(Resource::Campaign))?;
        Ok(self.worker.campaign(id)?)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_known_parameters_are_read() {
        let request =
            |query: &str| TestRequest::with_uri(&format!("/campaigns?{query}")).to_http_request();
        let known = ["limit", "cursor"];
        let good = request("limit=7&cursor=x");
        let parameters = Parameters::of(&good, &known).unwrap();
        assert_eq!(parameters.whole("limit", 1..=1000).unwrap(), Some(7));
        assert_eq!(parameters.get("cursor"), Some("x"));
        for (given, text) in [
            ("ann%20smith", Some("ann smith")),
            ("ann+smith", Some("ann smith")),
            ("a%2Bb", Some("a+b")),
            ("zo%C3%AB%26", Some("zoë&")),
            ("", Some("")),
            ("%", Some("%")),
            ("%FF", None),
        ] {
            let request = request(&format!("cursor={given}"));
            let read = Parameters::of(&request, &known).unwrap().text("cursor");
            assert_eq!(read.ok().flatten().as_deref(), text, "{given}");
        }
        for bad in ["limit=1&limit=2", "limits=1", "limit"] {
            let request = request(bad);
            let read = Parameters::of(&request, &known)
                .and_then(|parameters| parameters.whole("limit", 1..=1000));
            assert!(read.is_err(), "{bad}");
        }
        for bad in ["0", "1001", "-1", "+5", "1e3", "%31", "99999999999999999999"] {
            let request = request(&format!("limit={bad}"));
            let parameters = Parameters::of(&request, &known).unwrap();
            assert!(parameters.whole("limit", 1..=1000).is_err(), "{bad}");
        }
    }
}
