// The inbox where there is much to answer: what waits behind a question, an answer that becomes a rule, many at once.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor, World } from "./world";

interface Link {
  left: string;
  right: string;
  how: string;
}

let world: World;
let pairs: Link[];
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
  await world.connectBoth();
  await world.api("POST", "/syncs/people/run", {});
  await waitFor(async () => {
    pairs = (await world.api<Link[]>("GET", "/syncs/people/links?limit=100")).filter(({ how }) => how.includes("e-mail"));
    expect(pairs.length).toBeGreaterThan(3);
  });
});
afterAll(async () => {
  await world?.end();
});

const open = async (kind: string) => (await world.api<{ id: string }[]>("GET", `/reviews?kind=${kind}`)).length;

/** Both sides change the town of these pairs differently while the sync stands still. */
async function fallOut(chosen: Link[], here: string, there: string): Promise<void> {
  await world.api("POST", "/syncs/people/pause");
  for (const { left, right } of chosen) {
    await world.act("highlevel", "edit_contact", { id: left, fields: { city: here } });
    await world.act("onoffice", "edit", { id: Number(right), fields: { Ort: there } });
  }
  await world.api("POST", "/syncs/people/resume");
  await world.api("POST", "/syncs/people/run", {});
  await waitFor(async () => expect(await open("conflict")).toBe(chosen.length));
}

const town = async ({ left }: Link) => JSON.stringify(await world.act("highlevel", "get_contact", { id: left }));

test("questions that wait for another one stand below it, and are records to look at", async () => {
  const { page } = world;
  await world.go("Reviews");
  await page.getByRole("navigation", { name: "Open questions" }).getByText("2 questions wait for this answer").waitFor();
  const behind = page.getByRole("region", { name: "2 questions wait for this answer" });
  expect(await behind.getByRole("link").count()).toBe(2);
  await world.look("reviews-waiting");
});

test("an answer becomes the rule of its field with the keyboard alone, and answers the others alike", async () => {
  const { page } = world;
  await fallOut(pairs.slice(0, 2), "Potsdam", "Dresden");
  await page.goto(`${world.url}/reviews`);
  await page.getByLabel("Kind").selectOption("conflict");
  await page.getByText("Potsdam").first().waitFor();
  await page.getByLabel("is for this question only").focus();
  // for this one, for both, for good
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect(await page.getByLabel(/is the rule for “.*” from now on/).isChecked()).toBe(true);
  expect(await page.getByRole("button", { name: "Ask again when something changes" }).isDisabled()).toBe(true);
  await world.look("reviews-always");
  await page.keyboard.press("2");
  // this server has its config from a file: what has to stand there is said
  await page.getByText(/The config is read from .*tandem\.yaml at each start/).waitFor();
  await page.getByText("policy: right_owns").waitFor();
  await page.getByText("1 question was answered").waitFor();
  expect(await open("conflict")).toBe(0);
  await waitFor(async () => {
    for (const pair of pairs.slice(0, 2)) expect(await town(pair)).toContain("Dresden");
  });
});

test("many are answered at once, and how many is said before", async () => {
  const { page } = world;
  await fallOut(pairs.slice(2, 4), "Rostock", "Weimar");
  await page.goto(`${world.url}/reviews`);
  await page.getByRole("button", { name: "Answer many …" }).click();
  const dialog = page.getByRole("dialog", { name: "Answer many at once" });
  await dialog.getByLabel("Kind").selectOption("conflict");
  await dialog.getByLabel("Answer").selectOption("left");
  await dialog.getByText("2 of 2 would be answered so.").waitFor();
  expect(await open("conflict")).toBe(2);
  await world.look("reviews-many");
  await dialog.getByRole("button", { name: "Answer 2 questions" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await open("conflict")).toBe(0);
  await waitFor(async () => {
    for (const pair of pairs.slice(2, 4)) expect(await town(pair)).toContain("Rostock");
  });
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
