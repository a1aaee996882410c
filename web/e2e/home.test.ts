// From the printed link to a page that shows what happens, as it happens.
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(async () => {
  await world?.end();
});

test("nobody comes in without the password, which the printed link sets once", async () => {
  const { page, url, link } = world;
  await page.goto(`${url}/`);
  await page.getByRole("heading", { name: "This Tandem has no owner yet" }).waitFor();
  await world.look("first-start");
  await page.goto(link);
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.getByText("The password has at least 12 letters.").waitFor();
  await world.look("welcome");
  await world.welcome();
  // the link is used up
  const again = await fetch(`${url}/api/v1/password`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: new URL(link).hash.slice(1), password: "another long password" }),
  });
  expect(again.status).toBe(403);

  await world.context.clearCookies();
  await page.goto(`${url}/`);
  await page.getByLabel("Password").fill("not the password at all");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("The name or the password is wrong").waitFor();
  await world.look("sign-in");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  const cookie = (await world.context.cookies()).find(({ name }) => name === "tandem_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
});

test("a page of elsewhere cannot use the session: without the proof nothing is changed", async () => {
  const cookies = (await world.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const ask = (headers: Record<string, string>) =>
    fetch(`${world.url}/api/v1/syncs/people/pause`, { method: "POST", headers: { cookie: cookies, ...headers } });
  expect((await ask({})).status).toBe(403);
  expect((await ask({ "x-tandem-csrf": "0".repeat(64) })).status).toBe(403);
  const session = await fetch(`${world.url}/api/v1/session`, { headers: { cookie: cookies } });
  const { csrf } = (await session.json()) as { csrf: string };
  expect((await ask({ "x-tandem-csrf": csrf })).status).toBe(200);
  await world.api("POST", "/syncs/people/resume");
});

test("the pages may load nothing from elsewhere and nothing inline", async () => {
  const answer = await fetch(`${world.url}/`, { headers: { accept: "text/html" } });
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect((await fetch(`${world.url}/api/v1/nowhere`, { headers: { accept: "text/html" } })).status).toBe(404);
  const tag = answer.headers.get("etag") ?? "";
  expect((await fetch(`${world.url}/`, { headers: { "if-none-match": tag } })).status).toBe(304);
});

test("what happens is on the page as it happens, without loading it again", async () => {
  const { page } = world;
  await page.getByText("Not signed in yet").first().waitFor();
  await world.connectBoth();
  await page.getByText("Not signed in yet").first().waitFor({ state: "detached" });
  await world.api("POST", "/syncs/people/run", {});
  await page.getByText(/questions? waits? for an answer/).waitFor();
  const card = page.getByRole("region", { name: "people" });
  await card.getByText("Running").waitFor();
  const status = await world.api<{ links: Record<string, number> }>("GET", "/status");
  expect(status.links["people"]).toBeGreaterThan(6);
  await card.getByText(String(status.links["people"]), { exact: true }).first().waitFor();
  // the day in bars: what was written is what the run says
  await page.getByRole("img", { name: /^Records written\. Records written: [1-9]/ }).waitFor();
  await page.getByRole("img", { name: /^Requests to office\. requests: [1-9]/ }).waitFor();
  await world.look("home");
});

test("the API is described on a page of its own", async () => {
  const { page } = world;
  await page.goto(`${world.url}/api/docs`);
  await page.getByLabel("Search").fill("undo");
  await page.getByText("Put it back, if the plan is still the one that was shown").click();
  await page.getByText("fingerprint").filter({ visible: true }).first().waitFor();
  await world.look("api-docs");
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
