"""What schemathesis has to know of redeemd: how to write the bodies of imports, what exists, what
would take too long, and how to see that a refused request changed nothing.

The server's address stands in REDEEMD_SERVER, its admin key in REDEEMD_API_KEY. Requests are sent
one after the other, so whatever a server changed between two looks, the request in between caused.
"""

import json
import os
import re
import zlib

import requests
import schemathesis

SERVER = os.environ["REDEEMD_SERVER"]
SESSION = requests.Session()
SESSION.headers["Authorization"] = f"Bearer {os.environ['REDEEMD_API_KEY']}"

MOST_CODES = 2_000
"""As many codes as one request may have issued here. The interface allows millions."""


def post(path, **arguments):
    answer = SESSION.post(f"{SERVER}/api/v1{path}", **arguments)
    answer.raise_for_status()
    return answer.json()


class Stage:
    """Things that exist, so that not every request is about something that does not."""

    def __init__(self):
        self.admin_key = SESSION.get(f"{SERVER}/api/v1/api-keys").json()["data"][0]["id"]
        sealed = post("/campaigns", json={"name": "Stage", "codes": {"kind": "sealed"}, "uses_per_code": 3})
        imported = post("/campaigns", json={"name": "Stage", "codes": {"kind": "imported"}})
        path = f"/campaigns/{sealed['id']}/codes"
        self.codes = post(path, json={"count": 200}, headers={"Accept": "application/json"})["codes"]
        redemption = post("/redemptions", json={"code": self.codes[0], "user_id": "ada"})
        self.campaigns = [sealed["id"], imported["id"]]
        self.redemptions = [redemption["id"]]


STAGE = Stage()


def draw(things, value):
    """One of the things for half of all values, and always the same for the same value."""
    number = zlib.crc32(repr(value).encode("utf-8", "replace"))
    return things[number // 2 % len(things)] if number % 2 == 0 else None


@schemathesis.serializer("application/x-ndjson", "text/csv")
def lines(context, value):
    """A file of codes; what is generated for it is bytes or a text already."""
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return {"data": data}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Real identifiers in the place of some that were made up."""
    made_up = str((path_parameters or {}).get("id"))
    for prefix, things in [("camp_", STAGE.campaigns), ("red_", STAGE.redemptions)]:
        if re.fullmatch(prefix + "[0-9a-z]+", made_up):
            path_parameters["id"] = draw(things, made_up) or made_up
    return path_parameters


def is_well_formed(code):
    """Whether a text could be a code. What could not is there to be refused, and stays."""
    return isinstance(code, str) and 1 <= len(code) <= 64 and not re.search(r"[\x00-\x1f\x7f-\x9f]", code)


@schemathesis.hook
def map_body(context, body):
    """Real codes in the place of some that were made up, and no batch of millions."""
    if not isinstance(body, dict):
        return body
    count = body.get("count")
    if type(count) is int and MOST_CODES < count <= 10_000_000:
        body["count"] = 1 + count % MOST_CODES
    items = body.get("redemptions")
    for item in [body, *(items if isinstance(items, list) else [])]:
        if isinstance(item, dict) and is_well_formed(item.get("code")):
            item["code"] = draw(STAGE.codes, item) or item["code"]
    return body


def changes():
    """How many changes the server has made, of all sequences together."""
    page = SESSION.get(f"{SERVER}/metrics").text
    counts = re.findall(r"^redeemd_sequence_changes_total\{.*\} (\d+)$", page, re.MULTILINE)
    assert counts, "the metrics do not say how many changes there were"
    return sum(map(int, counts))


BEFORE = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Whoever shuts out its own key learns nothing more. (That the last one stays has its own test.)
    if case.method.upper() == "DELETE" and case.path_parameters.get("id") == STAGE.admin_key:
        case.path_parameters["id"] = "key_0000000000000000"
    BEFORE[case.id] = changes()


@schemathesis.check
def a_refused_request_changes_nothing(context, response, case):
    """Rows of an import that stood before the fault are the one exception, and stay."""
    before = BEFORE.pop(case.id, None)
    is_import = case.operation.definition.raw["operationId"] == "importCodes"
    if response.status_code >= 400 and before is not None and not is_import:
        caused = changes() - before
        assert caused == 0, f"a refused request caused {caused} changes"


@schemathesis.check
def the_code_of_an_error_is_described(context, response, case):
    """The schema of problems knows all codes; each operation has fewer."""
    answers = case.operation.definition.raw["responses"]
    described = answers.get(str(response.status_code), {}).get("x-error-codes")
    if described is not None:
        code = json.loads(response.content)["code"]
        assert code in described, f"{code} is not among {described}"
