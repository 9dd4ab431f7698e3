"""Uses the generated Python client against a running server, as a shop would.

Called with the server's address; the API key stands in REDEEMD_API_KEY. Ends with exit code 0 if
every answer was of its type and said what it should.
"""

import os
import sys
from io import BytesIO

from redeemd_client import AuthenticatedClient, Client
from redeemd_client.api.api_keys import create_api_key, revoke_api_key
from redeemd_client.api.campaigns import create_campaign, get_campaign, list_campaigns, update_campaign
from redeemd_client.api.codes import import_codes, issue_codes, look_up_code, revoke_code
from redeemd_client.api.operating import get_readiness
from redeemd_client.api.redemptions import get_redemption, list_redemptions, redeem_batch, redeem_code, validate_code
from redeemd_client.models import (
    BatchItem,
    BatchRefusal,
    BatchRequest,
    BatchSuccess,
    Campaign,
    CampaignChanges,
    CampaignPage,
    CodeChange,
    CodeList,
    ErrorCode,
    ImportedCodes,
    ImportResult,
    InvalidCode,
    IssueRequest,
    LookUpRequest,
    NewApiKey,
    NewCampaign,
    Problem,
    Redemption,
    RedemptionRequest,
    Reward,
    Role,
    SealedCodes,
    StateOfCode,
    UsesInPeriod,
    ValidationRequest,
    ValidCode,
    WeeklyWindow,
)
from redeemd_client.types import File

server = sys.argv[1]
client = AuthenticatedClient(base_url=server, token=os.environ["REDEEMD_API_KEY"])


def expect(value, kind):
    """The value, which must be of this kind."""
    assert isinstance(value, kind), f"{value!r} is no {kind.__name__}"
    return value


assert get_readiness.sync(client=Client(base_url=server)).status.value == "ready"

rules = {
    "uses_per_user": {"limit": 1, "per": "day", "time_zone": "Europe/Berlin"},
    "total_uses": 10000,
    "balance": {"currency": "EUR", "minor_units": 5000},
    "windows": [{"weekdays": ["mon", "sat"], "from": "22:00", "to": "02:00", "time_zone": "UTC"}],
}
draft = NewCampaign.from_dict({"name": "Rules", "codes": {"kind": "sealed"}} | rules)
ruled = expect(create_campaign.sync(client=client, body=draft, idempotency_key="rules"), Campaign)
assert expect(ruled.uses_per_user, UsesInPeriod).time_zone == "Europe/Berlin"
assert expect(ruled.windows[0], WeeklyWindow).to == "02:00"
assert ruled.to_dict() | rules == ruled.to_dict()
changes = CampaignChanges(uses_per_user=3, windows=None)
ruled = expect(update_campaign.sync(id=ruled.id, client=client, body=changes), Campaign)
assert ruled.uses_per_user == 3 and ruled.windows is None and ruled.total_uses == 10000

reward = Reward.from_dict({"percent_off": 20})
draft = NewCampaign(name="Python", codes=SealedCodes(kind="sealed"), reward=reward)
campaign = expect(create_campaign.sync(client=client, body=draft, idempotency_key="python"), Campaign)
assert campaign.codes == SealedCodes(kind="sealed")
assert campaign.reward == reward and campaign.uses_per_code == 1

issue = issue_codes.sync(campaign.id, client=client, body=IssueRequest(count=5), idempotency_key="python")
code, *others = expect(issue, CodeList).codes
assert len(others) == 4

answer = expect(validate_code.sync(client=client, body=ValidationRequest(code=code)), ValidCode)
assert answer.uses_left == 1 and answer.expires_at is None
answer = expect(validate_code.sync(client=client, body=ValidationRequest(code="NOT-A-CODE")), InvalidCode)
assert answer.code.value == "invalid_code"

wish = RedemptionRequest(code=code, user_id="ada")
first = redeem_code.sync_detailed(client=client, body=wish, idempotency_key="order-1")
redemption = expect(first.parsed, Redemption)
assert first.status_code == 201 and redemption.reward == reward and redemption.uses_left == 0
again = redeem_code.sync_detailed(client=client, body=wish, idempotency_key="order-1")
assert again.headers["Idempotent-Replayed"] == "true" and again.parsed == redemption

second = redeem_code.sync_detailed(client=client, body=RedemptionRequest(code=code, user_id="bob"))
problem = expect(second.parsed, Problem)
assert second.status_code == 409 and problem.code is ErrorCode.ALREADY_REDEEMED
problem = expect(redeem_code.sync(client=client, body=RedemptionRequest(code="", user_id="bob")), Problem)
assert problem.code is ErrorCode.VALIDATION_FAILED and problem.errors[0].pointer == "/code"

found = look_up_code.sync(client=client, body=LookUpRequest(code=code))
assert found.state is StateOfCode.REDEEMED and found.redemptions == [redemption]
assert found.campaign.id == campaign.id
assert get_redemption.sync(redemption.id, client=client) == redemption
page = list_redemptions.sync(client=client, user_id="ada", campaign_id=campaign.id)
assert page.data == [redemption] and page.next_cursor is None

items = [BatchItem(code=other, user_id="eve") for other in others[:3]] + [BatchItem(code=code, user_id="eve")]
batch = redeem_batch.sync(client=client, body=BatchRequest(redemptions=items))
*successes, refusal = batch.results
assert all(expect(success, BatchSuccess).status == 201 for success in successes)
assert expect(refusal, BatchRefusal).problem.code is ErrorCode.ALREADY_REDEEMED

change = CodeChange(code=others[3], reason="a test")
assert revoke_code.sync(client=client, body=change).revoked is True
problem = redeem_code.sync(client=client, body=RedemptionRequest(code=others[3], user_id="eve"))
assert problem.code is ErrorCode.REVOKED

changed = update_campaign.sync(campaign.id, client=client, body=CampaignChanges(uses_per_code=2), if_match="*")
assert expect(changed, Campaign).uses_per_code == 2
counts = get_campaign.sync(campaign.id, client=client).counts
assert (counts.issued, counts.redeemed, counts.revoked) == (5, 4, 1)

draft = NewCampaign(name="Python, imported", codes=ImportedCodes(kind="imported"), uses_per_code=None)
imported = expect(create_campaign.sync(client=client, body=draft), Campaign)
rows = File(payload=BytesIO(b"code\nPY-TEA-1\nPY-TEA-2\nPY-TEA-1\n\"\"\n"))
result = expect(import_codes.sync(imported.id, client=client, body=rows), ImportResult)
assert (result.imported, result.duplicates) == (2, 1)
assert result.rejected[0].reason.value == "empty"
redemption = redeem_code.sync(client=client, body=RedemptionRequest(code="py tea 1", user_id="ada"))
assert expect(redemption, Redemption).uses_left is None

page = expect(list_campaigns.sync(client=client, limit=1), CampaignPage)
assert [campaign.id for campaign in page.data] == [imported.id]
page = list_campaigns.sync(client=client, limit=1, cursor=page.next_cursor)
assert [each.id for each in page.data] == [campaign.id]

key = create_api_key.sync(client=client, body=NewApiKey(name="Tills", role=Role.REDEEMER))
till = AuthenticatedClient(base_url=server, token=key.key)
problem = expect(create_campaign.sync(client=till, body=draft), Problem)
assert problem.code is ErrorCode.FORBIDDEN
assert revoke_api_key.sync_detailed(key.id, client=client).status_code == 204
problem = expect(validate_code.sync(client=till, body=ValidationRequest(code=code)), Problem)
assert problem.code is ErrorCode.UNAUTHENTICATED

print("the Python client held")
