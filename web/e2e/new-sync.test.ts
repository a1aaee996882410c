// From connected accounts to a first sync that was seen before it wrote anything.
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
  await world.connectBoth();
});
afterAll(async () => {
  await world?.end();
});

test("somebody new previews a first sync in few clicks, and nothing is written by that", async () => {
  const { page } = world;
  // the accounts are connected; the sync that there was goes
  await world.go("Settings");
  const config = page.getByRole("textbox", { name: "Config" });
  const text = await config.inputValue();
  await config.fill(text.slice(0, text.indexOf("# What is kept the same")));
  await page.getByRole("button", { name: "Put into force" }).click();
  await page.getByText("It is in force.").waitFor();
  await world.go("Home");
  let clicks = 0;
  const click = async (name: string) => {
    clicks += 1;
    await page.getByRole("button", { name, exact: true }).or(page.getByRole("link", { name, exact: true })).click();
  };
  await click("New sync");
  await world.look("new-sync-pair");
  await page.getByLabel("Name of the sync").fill("again");
  await click("Continue");
  await page.getByText("Vorname").first().waitFor();
  // what a record that is there has in the field, on each side
  await page.getByText("e.g. Anna").first().waitFor();
  await world.look("new-sync-fields");
  await click("Continue");
  await page.getByRole("button", { name: "Add a condition for office" }).click();
  await page.getByLabel("Field of condition 1").fill("Ort");
  await page.getByLabel("How condition 1 compares").selectOption("is_not");
  await page.getByLabel("What condition 1 compares with").fill("Hamburg, Bremen");
  await world.look("new-sync-rules");
  await click("Continue");
  const before = await world.api<unknown[]>("GET", "/calls?limit=0");
  await click("Show what would happen");
  await page.getByText("How shall it begin?").waitFor();
  const after = await world.api<{ write: boolean; operation: string }[]>("GET", "/calls?limit=0");
  expect(after.slice(0, after.length - before.length).filter(({ write }) => write)).toEqual([]);
  await world.look("new-sync-preview");
  expect(clicks).toBeLessThan(10);
  await click("Run all");
  await page.getByRole("heading", { level: 1, name: "again" }).waitFor();
  const found = await world.api<unknown[]>("GET", "/syncs/again/links");
  expect(found.length).toBeGreaterThan(6);
  const { document } = await world.api<{ document: string }>("GET", "/config");
  expect(document).toMatch(/scope:\s+right:\s+- field: Ort\s+is_not:\s+- Hamburg\s+- Bremen/);
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
