// Uses the generated TypeScript client against a running server, as a shop would. The compiler
// checks the types; this checks that the answers are as they say.
//
// Called with the server's address; the API key stands in REDEEMD_API_KEY.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./redeemd.js";

type Problem = components["schemas"]["Problem"];

// Where codes can be had in several forms, JSON is what comes unless something else is asked for.
type Forms = "application/json" | "application/problem+json";

const server = process.argv[2];
assert(server);
const headers = { Authorization: `Bearer ${process.env["REDEEMD_API_KEY"]}` };
const client = createClient<paths, Forms>({ baseUrl: server, headers });

/** What was answered, which must be a success. */
function good<T>(result: { data?: T; error?: unknown }): T {
  assert(result.data !== undefined, JSON.stringify(result.error));
  return result.data;
}

/** The problem that was answered. */
function refused(result: { error?: Problem }): Problem {
  assert(result.error !== undefined, "it was not refused");
  return result.error;
}

const ready = good(await createClient<paths, Forms>({ baseUrl: server }).GET("/health/ready"));
assert.equal(ready.status, "ready");

const rules = {
  uses_per_user: { limit: 1, per: "day", time_zone: "Europe/Berlin" },
  total_uses: 10000,
  balance: { currency: "EUR", minor_units: 5000 },
  windows: [{ weekdays: ["mon", "sat"], from: "22:00", to: "02:00", time_zone: "UTC" }],
} satisfies Partial<components["schemas"]["NewCampaign"]>;
const ruled = good(
  await client.POST("/api/v1/campaigns", {
    body: { name: "Rules", codes: { kind: "sealed" }, ...rules },
  }),
);
assert.deepEqual(ruled.windows, rules.windows);
assert.deepEqual(ruled.balance, rules.balance);
assert(typeof ruled.uses_per_user === "object" && ruled.uses_per_user?.per === "day");
const loosened = good(
  await client.PATCH("/api/v1/campaigns/{id}", {
    params: { path: { id: ruled.id } },
    body: { uses_per_user: 3, windows: null },
  }),
);
assert(loosened.uses_per_user === 3 && loosened.windows === null && loosened.total_uses === 10000);


const campaign = good(
  await client.POST("/api/v1/campaigns", {
    params: { header: { "Idempotency-Key": "typescript" } },
    body: { name: "TypeScript", codes: { kind: "sealed" }, reward: { percent_off: 20 } },
  }),
);
assert.equal(campaign.codes.kind, "sealed");
assert.deepEqual(campaign.reward, { percent_off: 20 });
assert.equal(campaign.uses_per_code, 1);
const path = { id: campaign.id };

const { codes } = good(
  await client.POST("/api/v1/campaigns/{id}/codes", { params: { path }, body: { count: 5 } }),
);
const [code, ...others] = codes;
assert(code !== undefined && others.length === 4);
const csv = good(
  await client.GET("/api/v1/campaigns/{id}/codes", {
    params: { path, query: { count: 2 } },
    headers: { Accept: "text/csv" },
    parseAs: "text",
  }),
);
assert.equal(csv, `code\n${codes.slice(0, 2).join("\n")}\n`);

const validation = good(await client.POST("/api/v1/validations", { body: { code } }));
assert(validation.valid);
assert.equal(validation.uses_left, 1);
const invalid = good(await client.POST("/api/v1/validations", { body: { code: "NOT-A-CODE" } }));
assert(!invalid.valid && invalid.code === "invalid_code");

const redeem = (code: string, user_id: string, key?: string) =>
  client.POST("/api/v1/redemptions", {
    ...(key === undefined ? {} : { params: { header: { "Idempotency-Key": key } } }),
    body: { code, user_id },
  });
const first = await redeem(code, "ada", "order-1");
const redemption = good(first);
assert.equal(first.response.status, 201);
assert.equal(redemption.uses_left, 0);
const again = await redeem(code, "ada", "order-1");
assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
assert.deepEqual(again.data, redemption);

const second = await redeem(code, "bob");
assert.equal(second.response.status, 409);
assert.equal(refused(second).code, "already_redeemed");
const fault = refused(await redeem("", "bob"));
assert.equal(fault.code, "validation_failed");
assert.equal(fault.errors?.[0]?.pointer, "/code");

const found = good(await client.POST("/api/v1/codes/lookup", { body: { code } }));
assert.equal(found.state, "redeemed");
assert.deepEqual(found.redemptions, [redemption]);
const read = { path: { id: redemption.id } };
assert.deepEqual(good(await client.GET("/api/v1/redemptions/{id}", { params: read })), redemption);
const query = { user_id: "ada", campaign_id: campaign.id };
const listed = good(await client.GET("/api/v1/redemptions", { params: { query } }));
assert.deepEqual(listed, { data: [redemption], next_cursor: null });

const redemptions = [...others.slice(0, 3), code].map((code) => ({ code, user_id: "eve" }));
const { results } = good(await client.POST("/api/v1/redemptions/batch", { body: { redemptions } }));
for (const result of results.slice(0, 3)) {
  assert("redemption" in result);
  assert.equal(result.redemption.user_id, "eve");
}
const refusal = results[3];
assert(refusal !== undefined && "problem" in refusal);
assert.equal(refusal.problem.code, "already_redeemed");

const last = others[3];
assert(last !== undefined);
const change = { code: last, reason: "a test" };
assert(good(await client.POST("/api/v1/codes/revoke", { body: change })).revoked);
assert.equal(refused(await redeem(last, "eve")).code, "revoked");

const changed = good(
  await client.PATCH("/api/v1/campaigns/{id}", {
    params: { path, header: { "If-Match": "*" } },
    body: { uses_per_code: 2, reward: null },
  }),
);
assert.equal(changed.reward, null);
const counts = good(await client.GET("/api/v1/campaigns/{id}", { params: { path } })).counts;
assert.deepEqual(counts, { issued: 5, redeemed: 4, held: 0, revoked: 1, as_of: counts?.as_of });

const imported = good(
  await client.POST("/api/v1/campaigns", {
    body: { name: "TypeScript, imported", codes: { kind: "imported" }, uses_per_code: null },
  }),
);
const result = good(
  await client.POST("/api/v1/campaigns/{id}/codes/import", {
    params: { path: { id: imported.id } },
    body: 'code\nTS-TEA-1\nTS-TEA-2\nTS-TEA-1\n""\n',
    bodySerializer: (body) => body,
    headers: { "Content-Type": "text/csv" },
  }),
);
assert.deepEqual(result.rejected, [{ line: 5, reason: "empty" }]);
assert.deepEqual([result.imported, result.duplicates], [2, 1]);
assert.equal(good(await redeem("ts tea 1", "ada")).uses_left, null);

const page = good(await client.GET("/api/v1/campaigns", { params: { query: { limit: 1 } } }));
assert.equal(page.data[0]?.id, imported.id);
assert(page.next_cursor !== null);
const next = { limit: 1, cursor: page.next_cursor };
const rest = good(await client.GET("/api/v1/campaigns", { params: { query: next } }));
assert.equal(rest.data[0]?.id, campaign.id);

const key = good(await client.POST("/api/v1/api-keys", { body: { name: "Tills", role: "redeemer" } }));
const till = createClient<paths, Forms>({ baseUrl: server, headers: { Authorization: `Bearer ${key.key}` } });
const forbidden = await till.GET("/api/v1/campaigns", {});
assert.equal(refused(forbidden).code, "forbidden");
const revoked = await client.DELETE("/api/v1/api-keys/{id}", { params: { path: { id: key.id } } });
assert.equal(revoked.response.status, 204);
assert.equal(refused(await till.POST("/api/v1/validations", { body: { code } })).code, "unauthenticated");

console.log("the TypeScript client held");
