// Links that people make and end, and rules that go back.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor, World } from "./world";

interface Link {
  left: string;
  right: string;
  how: string;
}

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
  await world.connectBoth();
  await world.api("POST", "/syncs/people/run", {});
  await waitFor(async () => expect((await links()).length).toBeGreaterThan(6));
});
afterAll(async () => {
  await world?.end();
});

const links = () => world.api<Link[]>("GET", "/syncs/people/links?limit=100");
const decisions = () => world.api<{ left: string; right: string; decision: string }[]>("GET", "/syncs/people/decisions");

let pair: Link;

test("a link is split on the page of its record, by keyboard, and that is remembered", async () => {
  const { page } = world;
  pair = (await links()).find(({ how }) => how.includes("e-mail")) as Link;
  await page.goto(`${world.url}/records/marketing/contact/${pair.left}`);
  const split = page.getByRole("button", { name: "Split …" });
  await split.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "These two are not one" });
  await dialog.getByText(`The link between marketing ${pair.left} and office ${pair.right} ends`).waitFor();
  expect(await dialog.getByLabel(/Leave both alone/).isChecked()).toBe(true);
  await world.look("record-split");
  await dialog.getByRole("button", { name: "Split for good" }).focus();
  await page.keyboard.press("Enter");
  const decided = page.getByRole("region", { name: "Decided by people in people" });
  await decided.getByText("are two").waitFor();
  expect((await links()).some(({ left }) => left === pair.left)).toBe(false);
  expect(await decisions()).toContainEqual(expect.objectContaining({ left: pair.left, right: pair.right, decision: "keep_apart" }));
});

test("a decision is forgotten, and the pair linked again out of a file", async () => {
  const { page } = world;
  await page.goto(`${world.url}/syncs/people`);
  const card = page.getByRole("region", { name: "Links", exact: true });
  await card.getByText("are two").waitFor();
  // or the sync links them again by itself
  await world.api("POST", "/syncs/people/pause");
  await card.getByRole("button", { name: `Forget what was decided about ${pair.left} and ${pair.right}` }).click();
  await card.getByText("Nothing was decided yet.").waitFor();
  expect(await decisions()).toEqual([]);
  const file = join(world.folder, "pairs.csv");
  writeFileSync(file, `sync,entity,left,right\npeople,contact,${pair.left},no-such-record\n`);
  await card.getByLabel("File").setInputFiles(file);
  await card.getByRole("alert").getByText("line 2").first().waitFor();
  const fit = `people,contact,${pair.left},${pair.right}`;
  writeFileSync(file, `sync,entity,left,right\n${fit}\n`);
  await card.getByLabel("File").setInputFiles(file);
  await card.getByText("1 pair would be linked; 0 are already.").waitFor();
  expect((await links()).some(({ left }) => left === pair.left)).toBe(false);
  await card.scrollIntoViewIfNeeded();
  await world.look("sync-links");
  await card.getByRole("button", { name: "Link 1 pair" }).click();
  await card.getByText("1 pair was linked").waitFor();
  const downloaded = page.waitForEvent("download");
  await card.getByRole("button", { name: "Export links (CSV)" }).click();
  const text = readFileSync(await (await downloaded).path(), "utf8");
  expect(text.split("\n")).toContain(fit);
  // what comes out goes in again
  const again = await fetch(`${world.url}/api/v1/links/import?dry_run=true`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.token}`, "content-type": "text/csv" },
    body: text,
  });
  expect(await again.json()).toMatchObject({ linked: 0, already: (await links()).length });
});

test("rules are held against those before, and go back, those of this sync alone", async () => {
  const { page } = world;
  const text = () => world.api<{ document: string; revision: number }>("GET", "/config");
  const before = await text();
  const changed = before.document.replace("mode: two-way", "mode: preview").replace("level: info", "level: debug");
  const put = await fetch(`${world.url}/api/v1/config`, {
    method: "PUT",
    headers: { authorization: `Bearer ${world.token}`, "content-type": "text/plain" },
    body: changed,
  });
  expect(put.status).toBe(200);
  await page.goto(`${world.url}/syncs/people`);
  const card = page.getByRole("region", { name: "Rules that were in force" });
  const diff = card.getByRole("group", { name: "What is different" });
  await diff.getByText("mode: two-way").waitFor();
  expect(await diff.getByRole("listitem").filter({ hasText: "added:" }).allTextContents()).toEqual([expect.stringContaining("mode: preview")]);
  await card.scrollIntoViewIfNeeded();
  await world.look("sync-rules");
  await card.getByRole("button", { name: `Roll back to revision ${before.revision}` }).click();
  const dialog = page.getByRole("dialog", { name: `Roll back to revision ${before.revision}` });
  await dialog.getByRole("group", { name: "What is different" }).getByText("mode: two-way").waitFor();
  await world.look("sync-roll-back");
  await dialog.getByRole("button", { name: "Put it into force again" }).click();
  await card.getByText(`In force again, as revision ${before.revision + 2}`).waitFor();
  const after = await text();
  expect(after.document).toContain("mode: two-way");
  expect(after.document).toContain("# What is kept the same, and how.");
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
