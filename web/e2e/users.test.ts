// People are invited, do what their role lets them, see why not where it does not, and owners see what was done.
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, waitFor, World } from "./world";

let world: World;
let guest: { context: BrowserContext; page: Page };
beforeAll(async () => {
  world = await World.start();
  await world.welcome();
});
afterAll(async () => {
  await guest?.context.close();
  await world?.end();
});

/** To a page of the settings. */
async function settings(name: string): Promise<void> {
  await world.go("Settings");
  await world.page.getByRole("navigation", { name: "Settings pages" }).getByRole("link", { name }).click();
  await world.page.getByRole("heading", { level: 1, name }).waitFor();
}

test("an owner invites somebody, who sets a password and may look", async () => {
  const { page } = world;
  await settings("Users");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Role", { exact: true }).selectOption("Viewer");
  await page.getByRole("button", { name: "Invite" }).click();
  const link = await page.locator("code", { hasText: "/welcome#" }).textContent();
  await page.getByRole("row", { name: /ada/ }).getByText("waits for the link").waitFor();
  await world.look("users");

  guest = await world.another();
  await guest.page.goto(link ?? "");
  await guest.page.getByLabel("New password").fill(PASSWORD);
  await guest.page.getByLabel("The same once more").fill(PASSWORD);
  await guest.page.getByRole("button", { name: "Set password and sign in" }).click();
  await guest.page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  await guest.page.getByText("ada: Viewer").waitFor();
});

test("who may not is shown why, and may as soon as the role says so", async () => {
  const sync = guest.page.getByRole("link", { name: "people", exact: true });
  await sync.click();
  const pause = guest.page.getByRole("button", { name: /^(Pause|Resume)$/ });
  await pause.waitFor();
  expect(await pause.isDisabled()).toBe(true);
  expect(await pause.getAttribute("title")).toContain("editor");
  await guest.page.getByRole("link", { name: "Settings" }).click();
  await guest.page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  expect(await guest.page.getByRole("link", { name: "Audit" }).count()).toBe(0);
  await guest.page.goto(`${world.url}/settings/users`);
  await guest.page.getByText("This needs the role owner.").waitFor();

  await world.page.getByLabel("Role of ada").selectOption("Editor");
  await guest.page.getByText("ada: Editor").waitFor();
  await guest.page.goto(`${world.url}/syncs/people`);
  await pause.waitFor();
  await waitFor(async () => expect(await pause.isEnabled()).toBe(true));
  await pause.click();
  await guest.page.getByRole("button", { name: /^(Pause|Resume)$/ }).waitFor();
  await guest.page.goto(`${world.url}/connections`);
  const add = guest.page.getByRole("button", { name: "Add connection" });
  await add.waitFor();
  expect(await add.isDisabled()).toBe(true);
});

test("an editor makes a token of their own, and none that may more", async () => {
  await guest.page.goto(`${world.url}/settings/tokens`);
  await guest.page.getByRole("textbox", { name: "Name" }).fill("robot");
  expect(await guest.page.getByLabel("users, credentials, backups").isDisabled()).toBe(true);
  await guest.page.getByLabel("run and answer").check();
  await guest.page.getByRole("button", { name: "Make token" }).click();
  const token = await guest.page.locator("code", { hasText: /^tandem_/ }).textContent();
  const headers = { authorization: `Bearer ${token}` };
  const paused = await fetch(`${world.url}/api/v1/syncs/people/pause`, { method: "POST", headers });
  expect(paused.status).toBe(200);
  const refused = await fetch(`${world.url}/api/v1/users`, { headers });
  expect(refused.status).toBe(403);
});

test("an owner sees who did what, by person and page, and removes somebody, who is out at once", async () => {
  const { page } = world;
  await settings("Audit");
  await page.getByRole("table").getByText("Token robot of ada").first().waitFor();
  await page.getByLabel("Who").selectOption("ada");
  await waitFor(async () => expect(await page.getByRole("table").getByText("Command line").count()).toBe(0));
  await page.getByRole("table").getByText("Made a token").waitFor();
  await page.getByRole("table").getByText("users, credentials").waitFor({ state: "detached" });
  await world.look("audit");
  await page.getByLabel("To", { exact: true }).fill("2020-01-01");
  await page.getByText("Nothing was done.").waitFor();

  await settings("Users");
  await page.getByRole("button", { name: "Remove owner" }).click();
  await page.getByRole("button", { name: "Remove the user" }).click();
  await page.getByRole("alert").getByText("last owner").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Remove ada" }).click();
  await page.getByRole("button", { name: "Remove the user" }).click();
  await page.getByRole("row", { name: /ada/ }).waitFor({ state: "detached" });
  await guest.page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await guest.page.getByLabel("User").fill("ada");
  await guest.page.getByLabel("Password").fill(PASSWORD);
  await guest.page.getByRole("button", { name: "Sign in" }).click();
  await guest.page.getByRole("alert").getByText("the password is wrong").waitFor();
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
