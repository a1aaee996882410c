// The vendor's own SDK, unchanged, against the sandbox. Ends with 0 only if everything held.
// usage: node run.cjs http://127.0.0.1:PORT

const assert = require("node:assert/strict");
const http = require("node:http");
const { HighLevel, UserType, GHLRateLimitError } = require("@gohighlevel/api-client");

const sandbox = process.argv[2];

async function control(method, path, body) {
  const response = await fetch(`${sandbox}/_sandbox${path}`, { method, body: body && JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

const act = (name, input = {}) => control("POST", `/highlevel/act/${name}`, input);

function client(config) {
  const highlevel = new HighLevel({ logLevel: "error", ...config });
  highlevel.getHttpClient().defaults.baseURL = `${sandbox}/highlevel`;
  return highlevel;
}

async function refused(promise) {
  return promise.then(
    (answer) => assert.fail(`should have been refused, got ${JSON.stringify(answer)}`),
    (error) => error,
  );
}

async function contacts(access) {
  const highlevel = client({ privateIntegrationToken: access.privateToken });
  const locationId = access.mainLocationId;
  const field = await highlevel.locations.createCustomField({ locationId }, { name: "Pin Code", dataType: "TEXT" });
  const { contact } = await highlevel.contacts.createContact({
    locationId,
    firstName: "Änne",
    lastName: "Groß",
    email: "Aenne@Example.org",
    phone: "+49 711 555 123",
    tags: ["VIP"],
    customFields: [{ id: field.customField.id, field_value: "70173" }],
  });
  assert.equal(contact.phone, "+49711555123");
  const contactId = contact.id;
  const read = await highlevel.contacts.getContact({ contactId });
  assert.deepEqual(read.contact.customFields, [{ id: field.customField.id, value: "70173" }]);

  const duplicate = await refused(highlevel.contacts.createContact({ locationId, email: "aenne@example.org" }));
  assert.equal(duplicate.statusCode, 400);
  assert.deepEqual(duplicate.response.meta, { contactId, matchingField: "email", contactName: "Änne Groß" });
  const unknown = await refused(highlevel.contacts.updateContact({ contactId }, { gender: "f" }));
  assert.equal(unknown.statusCode, 422);
  assert.equal(unknown.message, "property gender should not exist");

  const updated = await highlevel.contacts.updateContact({ contactId }, { city: "Ulm" });
  assert.equal(updated.contact.city, "Ulm");
  const upserted = await highlevel.contacts.upsertContact({ locationId, email: "aenne@example.org", lastName: "Gross" });
  assert.equal(upserted.new, false);
  assert.deepEqual((await highlevel.contacts.addTags({ contactId }, { tags: ["Messe"] })).tags, ["VIP", "Messe"]);
  assert.deepEqual((await highlevel.contacts.removeTags({ contactId }, { tags: ["VIP"] })).tags, ["Messe"]);
  const found = await highlevel.contacts.searchContactsAdvanced({
    locationId,
    pageLimit: 10,
    filters: [{ field: "email", operator: "eq", value: "aenne@example.org" }],
  });
  assert.deepEqual(found.contacts.map((item) => [item.id, item.city]), [[contactId, "Ulm"]]);
  const twin = await highlevel.contacts.getDuplicateContact({ locationId, email: "aenne@example.org" });
  assert.equal(twin.contact.id, contactId);
  assert.equal((await highlevel.contacts.getContacts({ locationId })).meta.total, 1);
  assert.equal((await highlevel.users.getUserByLocation({ locationId })).users.length, 3);
  assert.equal((await highlevel.locations.getLocation({ locationId })).location.id, locationId);
  assert.equal((await highlevel.locations.getCustomFields({ locationId })).customFields.length, 1);
  assert.equal((await highlevel.contacts.deleteContact({ contactId })).succeded, true);
  assert.equal((await refused(highlevel.contacts.getContact({ contactId }))).statusCode, 400);
  return contactId;
}

async function signIn(access) {
  const { clientId, clientSecret, mainLocationId: locationId, companyId } = access;
  const highlevel = client({ clientId, clientSecret });
  const storage = highlevel.getSessionStorage();
  const back = "https://tandem.example/callback";
  const link = new URL(highlevel.oauth.getAuthorizationUrl(clientId, back, "contacts.readonly oauth.readonly oauth.write"));
  const chosen = await fetch(`${sandbox}/highlevel${link.pathname}${link.search}&sandbox_approve=company`, {
    redirect: "manual",
  });
  const code = new URL(chosen.headers.get("location")).searchParams.get("code");
  const company = await highlevel.oauth.getAccessToken({
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: "authorization_code",
    code,
    user_type: UserType.Company,
    redirect_uri: back,
  });
  assert.equal(company.userType, "Company");
  await storage.setSession(companyId, company);
  const minted = await highlevel.oauth.getLocationAccessToken({ companyId, locationId });
  await storage.setSession(locationId, { ...minted, companyId });
  await highlevel.contacts.getContacts({ locationId });

  // A 401 makes the SDK refresh once and ask again.
  await act("expire_tokens");
  await highlevel.contacts.getContacts({ locationId });
  const renewed = await storage.getSession(locationId);
  assert.notEqual(renewed.access_token, minted.access_token);
  assert.notEqual(renewed.refresh_token, minted.refresh_token);

  const appId = clientId.split("-")[0];
  const installed = await highlevel.oauth.getInstalledLocation({ companyId, appId });
  assert.equal(installed.count, 2);
}

async function webhooks(access) {
  const { clientId, clientSecret, mainLocationId: locationId } = access;
  const highlevel = client({ clientId, clientSecret, webhookPublicKey: access.webhookPublicKey });
  const receive = highlevel.webhooks.subscribe();
  const seen = [];
  let enough;
  const all = new Promise((resolve) => (enough = resolve));
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    request.body = Buffer.concat(chunks);
    await receive(request, response, (error) => {
      seen.push({ type: JSON.parse(request.body).type, valid: request.isSignatureValid, error });
      response.end();
      if (seen.length === 3) enough();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await act("configure_app", { webhookUrl: `http://127.0.0.1:${server.address().port}/` });
  await act("install", { locationId });
  const contact = await act("create_contact", { firstName: "Ümit" });
  await act("delete_contact", { id: contact.id });
  await all;
  await act("configure_app", { webhookUrl: null });
  server.close();
  seen.sort((a, b) => a.type.localeCompare(b.type));
  assert.deepEqual(
    seen,
    ["ContactCreate", "ContactDelete", "INSTALL"].map((type) => ({ type, valid: true, error: undefined })),
  );
}

async function limits(access) {
  const locationId = access.mainLocationId;
  const patient = client({
    privateIntegrationToken: access.privateToken,
    rateLimitRetry: true,
  });
  const hasty = client({ privateIntegrationToken: access.privateToken });
  await control("PUT", "/switches", { "highlevel.burst_limit": 2, "highlevel.burst_window_ms": 1000 });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (let round = 0; round < 5; round += 1) await patient.users.getUserByLocation({ locationId });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const answers = await Promise.allSettled([1, 2, 3].map(() => hasty.users.getUserByLocation({ locationId })));
  const errors = answers.filter((answer) => answer.status === "rejected").map((answer) => answer.reason);
  assert.equal(errors.length, 1);
  assert.ok(errors[0] instanceof GHLRateLimitError);
  assert.equal(errors[0].rateLimit.scope, "burst");
  assert.equal(errors[0].rateLimit.intervalMs, 1000);
  assert.ok(errors[0].rateLimit.dailyResetMs > 0);
}

async function main() {
  await control("PUT", "/switches", { "highlevel.search_lag_ms": 0 });
  const access = await act("access");
  const contactId = await contacts(access);
  await signIn(access);
  await webhooks(access);
  await limits(access);
  console.log(JSON.stringify({ contactId }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
