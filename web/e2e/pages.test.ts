// Every page does on the real thing what it is there for.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor, World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
  await world.connectBoth();
});
afterAll(async () => {
  await world?.end();
});

interface Link {
  id: string;
  left: string;
  right: string;
  how: string;
}

/** Two records that were there before Tandem came. */
async function matched(): Promise<Link> {
  const found = (await links()).find(({ how }) => how.includes("e-mail"));
  if (!found) throw new Error("nothing was matched");
  return found;
}

const links = () => world.api<Link[]>("GET", "/syncs/people/links?limit=100");

test("a sync is planned, run with what it does on the page, paused and let go on", async () => {
  const { page } = world;
  await world.go("Home");
  await page.getByRole("link", { name: "people", exact: true }).click();
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("heading", { name: "What a run would do" }).waitFor();
  expect(await links()).toEqual([]);
  await page.getByRole("button", { name: "Run all" }).click();
  await page.getByText("The run ended").waitFor();
  expect((await links()).length).toBeGreaterThan(6);
  await page.getByRole("region", { name: "Runs" }).getByText("Done").first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused").first().waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await world.look("sync");
});

test("a field that does not cross stands once on the page of its sync, with its records on demand", async () => {
  const { page } = world;
  const pairs: Link[] = [];
  for (const pair of await links()) {
    if (!pair.how.includes("e-mail") || pairs.length === 2) continue;
    if (!(await world.act("highlevel", "get_contact", { id: pair.left }))["companyName"]) pairs.push(pair);
  }
  // HighLevel takes the company of a contact only when the contact is made
  const company = async (name: string) => {
    for (const { right } of pairs) await world.act("onoffice", "edit", { id: Number(right), fields: { Zusatz1: name } });
    await world.api("POST", "/syncs/people/run", {});
  };
  await company("Blum GmbH");
  const blocked = page.getByRole("region", { name: "Blocked fields" });
  await blocked.getByRole("button", { name: "2 records with company_name: show" }).click();
  const records = blocked.getByRole("group", { name: "Records with company_name" });
  for (const { left, right } of pairs) {
    await records.getByRole("link", { name: `marketing ${left}` }).waitFor();
    await records.getByRole("link", { name: `office ${right}` }).waitFor();
  }
  expect(await blocked.getByText("only when a record is made").count()).toBe(1);
  await world.look("sync-blocked");
  await blocked.getByRole("button", { name: "2 records with company_name: hide" }).click();
  await records.waitFor({ state: "detached" });
  await company("");
  await blocked.getByText("No field is blocked.").waitFor();
});

test("questions are answered with the keyboard alone", async () => {
  const { page } = world;
  const open = async () => (await world.api<{ id: string; kind: string }[]>("GET", "/reviews")).length;
  // both sides change one field of a linked pair differently while the sync stands still
  const pair = await matched();
  await world.api("POST", "/syncs/people/pause");
  await world.act("highlevel", "edit_contact", { id: pair.left, fields: { city: "Potsdam", address1: "Am Neuen Garten 1", postalCode: "14469" } });
  await world.act("onoffice", "edit", { id: Number(pair.right), fields: { Ort: "Dresden", Strasse: "Terrassenufer 1", Plz: "01067" } });
  await world.api("POST", "/syncs/people/resume");
  await world.api("POST", "/syncs/people/run", {});
  await waitFor(async () => {
    const kinds = (await world.api<{ kind: string }[]>("GET", "/reviews")).map(({ kind }) => kind);
    expect(kinds).toContain("conflict");
  });
  await world.go("Reviews");
  const before = await open();
  expect(before).toBeGreaterThan(1);
  await page.getByText("Possible match").first().waitFor();
  await world.look("reviews");
  // on to the conflict
  for (let at = 0; at < before && !(await page.getByText("Both sides changed this field differently").isVisible()); at += 1) {
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(200);
  }
  await page.getByText("Potsdam").first().waitFor();
  await page.getByText("Dresden").first().waitFor();
  await world.look("conflict");
  await page.keyboard.press("2");
  await waitFor(async () => expect(await open()).toBe(before - 1));
  await waitFor(async () => {
    const now = await world.act("highlevel", "get_contact", { id: pair.left });
    expect(JSON.stringify(now)).toContain("Dresden");
  });
});

test("a record shows both sides, what was done to it, and lets it be put back", async () => {
  const { page } = world;
  const pair = await matched();
  await world.go("Records");
  await world.look("records");
  await page.getByLabel("Id in its system").fill(pair.left);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: `Contact ${pair.left}` }).waitFor();
  await page.getByText("Dresden").first().waitFor();
  await page.getByText("agrees").first().waitFor();
  await world.look("record");
  await page.getByRole("main").getByRole("link", { name: "Undo" }).first().click();
  await page.getByRole("heading", { name: "What would be put back" }).waitFor();
  await world.look("undo");
  await page.getByRole("button", { name: "Put it back" }).click();
  await page.getByText(/fields put back/).waitFor();
  const now = await world.act("highlevel", "get_contact", { id: pair.left });
  expect(JSON.stringify(now)).not.toContain("Dresden");
});

test("the log of calls is searched, and an operation is read and tried without doing it", async () => {
  const { page } = world;
  await world.go("Calls");
  await page.getByLabel("Operation contains").fill("contacts");
  await page.getByRole("table").getByText("answered").first().waitFor();
  await world.look("calls");
  await world.go("Catalog");
  await page.getByLabel("Connection").selectOption("marketing");
  await page.getByLabel("Search").fill("create contact");
  await page.getByRole("list", { name: "Operations" }).getByRole("button").first().click();
  await page.getByRole("button", { name: "Show the request" }).click();
  await page.getByText("The request that would be sent").waitFor();
  await world.look("catalog");
});

test("language, colours, tokens and config are set by the person", async () => {
  const { page } = world;
  await world.go("Settings");
  await page.getByRole("link", { name: "API tokens" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("grafana");
  await page.getByRole("button", { name: "Make token" }).click();
  const token = await page.locator("code", { hasText: /^tandem_/ }).textContent();
  const seen = await fetch(`${world.url}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
  expect(seen.status).toBe(200);
  const refused = await fetch(`${world.url}/api/v1/syncs/people/pause`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  expect(refused.status).toBe(403);
  await page.getByRole("row", { name: /grafana/ }).getByText("look").waitFor();
  await world.look("tokens");
  await page.getByRole("link", { name: "General" }).click();
  const config = page.getByRole("textbox", { name: "Config" });
  const text = await config.inputValue();
  expect(text).toContain("# What is kept the same, and how.");
  await config.fill(`${text}\nnonsense: 1\n`);
  await page.getByRole("button", { name: "Put into force" }).click();
  await page.getByRole("alert").getByText("nonsense").first().waitFor();
  await config.fill(text);
  await world.look("settings");
  await page.getByLabel("Theme").selectOption("dark");
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
  // as the machine wishes again, so that the picture in light is one
  await page.getByLabel("Theme").selectOption("system");
  await page.getByLabel("Language").selectOption("de");
  await page.getByRole("heading", { level: 1, name: "Einstellungen" }).waitFor();
  await page.getByRole("link", { name: "Übersicht" }).click();
  await page.getByRole("heading", { level: 1, name: "Übersicht" }).waitFor();
  await world.look("home-german");
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
