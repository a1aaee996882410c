// Accounts: added, signed in, checked, removed.
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "./world";

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
});
afterAll(async () => {
  await world?.end();
});

test("two accounts are connected in guided dialogs: one by pasting, one on the vendor's page", async () => {
  const { page } = world;
  await world.go("Connections");
  const office = page.getByRole("region", { name: "office", exact: true });
  await office.getByText("Not signed in yet").waitFor();
  await office.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("API token").fill("wrong");
  await page.getByLabel("API secret").fill("wrong too");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("alert").waitFor();
  const access = await world.act("onoffice", "show_access");
  await page.getByLabel("API token").fill(String(access["token"]));
  await page.getByLabel("API secret").fill(String(access["secret"]));
  await world.look("connection-sign-in");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("All rights that are needed are there.").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await office.getByText("Works").waitFor();

  const app = await world.act("highlevel", "access");
  await page.getByRole("region", { name: "marketing" }).getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Client ID").fill(String(app["clientId"]));
  await page.getByLabel("Client secret").fill(String(app["clientSecret"]));
  await page.getByRole("button", { name: "Continue" }).click();
  const link = page.getByRole("link", { name: "Open the sign-in page of HighLevel" });
  const opened = world.context.waitForEvent("page");
  await link.click();
  const vendor = await opened;
  await vendor.waitForURL(/chooselocation/);
  const consent = new URL(vendor.url());
  consent.searchParams.set("sandbox_approve", "first");
  await vendor.goto(consent.href);
  await vendor.getByText("is connected to").waitFor();
  await vendor.close();
  await page.getByText("All rights that are needed are there.").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("region", { name: "marketing" }).getByRole("button", { name: "Check now" }).click();
  await page.getByRole("region", { name: "marketing" }).getByText("All rights that are needed are there.").waitFor();
  await page.getByRole("region", { name: "marketing" }).getByRole("meter").first().waitFor();
  await page.getByRole("region", { name: "marketing" }).getByText("The token is renewed by itself").waitFor();
  await world.look("connections");
});

test("a connection is added to the config with all its comments, and taken away again", async () => {
  const { page } = world;
  await world.go("Connections");
  await page.getByRole("button", { name: "Add connection" }).click();
  await page.getByRole("radio", { name: "OfficeRnD Flex" }).check();
  await page.getByLabel("Name").fill("coworking");
  await world.look("connection-add");
  await page.getByRole("button", { name: "Add and sign in" }).click();
  await page.getByRole("heading", { name: "Sign in: coworking" }).waitFor();
  await page.keyboard.press("Escape");
  const { document } = await world.api<{ document: string }>("GET", "/config");
  expect(document).toContain("coworking:");
  expect(document).toContain("# What is kept the same, and how.");
  const card = page.getByRole("region", { name: "coworking" });
  await card.getByRole("button", { name: "Remove" }).click();
  await page.getByText("No sync uses it.").waitFor();
  await page.getByRole("button", { name: "Remove for good" }).click();
  await card.waitFor({ state: "detached" });
  expect((await world.api<{ document: string }>("GET", "/config")).document).not.toContain("coworking:");
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
