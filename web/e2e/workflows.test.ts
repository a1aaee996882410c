// Workflows: built by dragging and by keyboard, tried, published, run, replayed, rolled back; recipes with two picks.
import type { Locator } from "playwright-core";
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

interface Stored {
  draft: { steps: { id: string; [kind: string]: unknown }[] } | null;
  published: number | null;
  versions: { version: number; body: { steps: { id: string }[] } }[];
}

const stored = (name: string) => world.api<Stored>("GET", `/workflows/${name}`);
const ids = async (name: string) => (await stored(name)).draft?.steps.map(({ id }) => id);
/** A step on the canvas by what it is called. */
const node = (name: string): Locator => world.page.getByRole("group", { name, exact: true }).and(world.page.locator(".react-flow__node"));
const plus = (name: string): Locator => world.page.getByRole("button", { name, exact: true });
const panel = (): Locator => world.page.getByRole("region", { name: "Chosen step" });

test("a workflow is built by dragging and clicking, with what is wrong said where it stands", async () => {
  const { page } = world;
  await world.go("Workflows");
  await page.getByText("There is no workflow yet").waitFor();
  await world.look("workflows-empty");
  await page.getByRole("button", { name: "New workflow" }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("Call back");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("heading", { level: 1, name: "Call back" }).waitFor();
  await node("Make values: first").waitFor();

  // a kind dragged onto the way after the first step
  await page.getByRole("list", { name: "Kinds of steps" }).getByRole("button", { name: "Operation" }).dragTo(plus("Add a step after first"));
  await node("Operation: operation").waitFor();
  await panel().getByText("there is no connection").first().waitFor();
  await page.getByText(/\d+ problems?/).first().waitFor();
  await waitFor(async () => expect(await ids("call-back")).toEqual(["first", "operation"]));

  // its form is made from the operation's schema, and what is picked is what the system lists now
  await panel().getByLabel("Connection").selectOption("marketing");
  await panel().getByLabel("Operation").fill("contacts.tasks.create");
  await panel().getByText("Create a task").filter({ visible: true }).first().waitFor();
  const contact = panel().getByRole("combobox", { name: /^Contact id/ });
  await contact.getByRole("option", { name: /Anna Blum/i }).waitFor({ state: "attached" });
  await contact.selectOption({ label: (await contact.getByRole("option", { name: /Anna Blum/i }).textContent()) ?? "" });
  await panel().getByRole("textbox", { name: /^Title \(required\)/ }).fill("Call ");
  // a value of what began it, put where the cursor is
  await panel().getByRole("button", { name: /^Value of an earlier step for Title/ }).click();
  await page.getByRole("dialog").getByLabel("Search").fill("trigger");
  await world.look("workflow-tags");
  await page.getByRole("dialog").getByRole("button", { name: /^trigger/ }).first().click();
  expect(await panel().getByRole("textbox", { name: /^Title \(required\)/ }).inputValue()).toBe("Call {{ trigger }}");
  await panel().getByRole("textbox", { name: /^Title \(required\)/ }).fill("Call {{ trigger.name }}");
  await panel().getByRole("textbox", { name: /^Due date/ }).fill("{{ add_days(run.accepted, 1) }}");
  await panel().getByRole("combobox", { name: /^Completed/ }).selectOption("no");
  await page.getByText("It can be published").waitFor();
  await world.look("workflow-canvas");

  // between two steps, then dragged elsewhere
  await plus("Add a step after first").click();
  await page.getByRole("dialog").getByRole("button", { name: /Filter/ }).click();
  await node("Filter: filter").waitFor();
  await waitFor(async () => expect(await ids("call-back")).toEqual(["first", "filter", "operation"]));
  await panel().getByRole("textbox", { name: /^Value/ }).fill("{{ trigger.name }}");
  const from = await node("Filter: filter").boundingBox();
  const to = await plus("Add a step after Trigger").boundingBox();
  if (!from || !to) throw new Error("a step is not drawn");
  await page.mouse.move(from.x + 40, from.y + 30);
  await page.mouse.down();
  await page.mouse.move(to.x + 60, to.y + 40, { steps: 5 });
  await page.mouse.move(to.x + 12, to.y + 12, { steps: 5 });
  await page.mouse.up();
  await waitFor(async () => expect(await ids("call-back")).toEqual(["filter", "first", "operation"]));
});

test("the same by keyboard alone: find, add, copy, paste, move, remove, undo", async () => {
  const { page } = world;
  await node("Filter: filter").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await waitFor(async () => expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Operation: operation"));
  await page.keyboard.press("a");
  await page.getByRole("dialog").getByRole("button", { name: /Branch/ }).focus();
  await page.keyboard.press("Enter");
  await node("Branch: branch").waitFor();
  await node("Operation: operation").focus();
  await page.keyboard.press("Control+c");
  await node("Branch: branch").focus();
  await page.keyboard.press("Control+v");
  await node("Operation: operation_2").waitFor();
  await waitFor(async () => expect(await ids("call-back")).toEqual(["filter", "first", "operation", "branch", "operation_2"]));
  // the branch's case leads to the end; both ways are drawn
  const steps = (await stored("call-back")).draft?.steps ?? [];
  expect(steps.find(({ id }) => id === "branch")?.["branch"]).toMatchObject({ cases: [{ go: "end" }] });
  await node("Filter: filter").focus();
  await page.keyboard.press("Alt+ArrowDown");
  await waitFor(async () => expect(await ids("call-back")).toEqual(["first", "filter", "operation", "branch", "operation_2"]));
  await page.keyboard.press("Control+z");
  await waitFor(async () => expect(await ids("call-back")).toEqual(["filter", "first", "operation", "branch", "operation_2"]));
  await page.keyboard.press("Control+y");
  await waitFor(async () => expect(await ids("call-back")).toEqual(["first", "filter", "operation", "branch", "operation_2"]));
  await page.keyboard.press("/");
  await page.keyboard.type("operation_2");
  await page.getByText("1 found").waitFor();
  await page.keyboard.press("Enter");
  await panel().getByRole("heading", { name: /operation_2/ }).waitFor();
  await page.getByLabel("Search steps").fill("");
  await node("Operation: operation_2").focus();
  await page.keyboard.press("Delete");
  await node("Operation: operation_2").waitFor({ state: "detached" });
  await node("Branch: branch").focus();
  await page.keyboard.press("Delete");
  await waitFor(async () => expect(await ids("call-back")).toEqual(["first", "filter", "operation"]));
});

test("a draft is tried with sample data and writes nothing, then published and run", async () => {
  const { page } = world;
  const before = await world.api<{ write: boolean }[]>("GET", "/calls?limit=0");
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByLabel("What the trigger hands on").fill('{"name": "Anna"}');
  await page.getByRole("button", { name: "Go through" }).click();
  await page.getByText("It would come to its end.").waitFor();
  await page.getByRole("dialog").getByText("operation", { exact: true }).click();
  await page.getByRole("dialog").getByText("Call Anna").first().waitFor();
  await world.look("workflow-test");
  const after = await world.api<{ write: boolean }[]>("GET", "/calls?limit=0");
  expect(after.slice(0, after.length - before.length).filter(({ write }) => write)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText("Version 1 in force").waitFor();
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByLabel("Input as JSON").fill('{"name": "Anna"}');
  await page.getByRole("button", { name: "Begin a run" }).click();
  await page.getByRole("heading", { level: 1, name: "Run" }).waitFor();
  await page.getByText("3 of 3").waitFor();
  await page.getByRole("main").getByText("Call Anna").first().waitFor();
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await page.getByText("2 of 3").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText("3 of 3").waitFor();
  await world.look("workflow-run");
  const first = page.url();
  await page.getByRole("button", { name: "Do it again from this step" }).click();
  await waitFor(() => expect(page.url()).not.toBe(first));
  await page.getByText("1 of 1").waitFor();
});

test("two versions are held against each other, and the first is put back into force", async () => {
  const { page } = world;
  await page.getByRole("link", { name: "call-back" }).click();
  await page.getByRole("table").getByText("done").first().waitFor();
  await world.look("workflow-runs");
  await page.getByRole("link", { name: "Canvas" }).click();
  await node("Operation: operation").focus();
  await page.keyboard.press("a");
  await page.getByRole("dialog").getByRole("button", { name: /Approval/ }).click();
  await panel().getByRole("textbox", { name: /^Question/ }).fill("Is {{ trigger.name }} well?");
  await page.getByText("It can be published").waitFor();
  await page.getByRole("button", { name: "Publish" }).click();
  await page.getByText("Version 2 in force").waitFor();
  await page.getByRole("link", { name: "Versions" }).click();
  await page.getByLabel("Between").selectOption("1");
  await page.getByLabel("and", { exact: true }).selectOption("2");
  await page.getByText("steps.approval").first().waitFor();
  await world.look("workflow-versions");

  // a run of the second asks, and is answered on its page
  const run = await world.api<{ id: string }>("POST", "/workflows/call-back/run", { input: { name: "Bernd" }, wait: true });
  await world.go("Workflows");
  await page.getByText("1 run asks a person").waitFor();
  await world.look("workflows");
  await page.goto(`${world.url}/workflow-runs/${run.id}`);
  await page.getByText("Is Bernd well?").first().waitFor();
  await world.look("workflow-asks");
  await page.getByRole("button", { name: "Approve" }).click();
  await waitFor(async () => expect((await world.api<{ state: string }>("GET", `/workflow-runs/${run.id}`)).state).toBe("done"));

  await page.goto(`${world.url}/workflows/call-back?tab=versions`);
  await page.getByRole("button", { name: "Roll back to version 1" }).click();
  await page.getByText("Version 1 in force").waitFor();
  expect((await stored("call-back")).published).toBe(1);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
});

test("a recipe is installed with two picks and does what it says", async () => {
  const { page } = world;
  await world.go("Workflows");
  await page.getByRole("link", { name: "Recipes" }).click();
  await page.getByRole("heading", { level: 1, name: "Recipes" }).waitFor();
  await world.look("recipes");
  await page.getByRole("button", { name: "Install: New HighLevel lead to onOffice address and task" }).click();
  await page.getByLabel("Account for HighLevel").selectOption("marketing");
  await page.getByLabel("Account for onOffice enterprise").selectOption("office");
  await world.look("recipe-install");
  await page.getByRole("button", { name: "Install and put into force" }).click();
  await page.getByText("Version 1 in force").waitFor();
  await node("Branch: is_known").waitFor();
  await world.look("workflow-recipe");
  // German, on the page with the most words
  await page.evaluate(() => localStorage.setItem("tandem.language", "de"));
  await page.reload();
  await page.getByRole("group", { name: "Verzweigung: is_known" }).first().click();
  await page.getByRole("region", { name: "Gewählter Schritt" }).getByText("Fälle").first().waitFor();
  await world.look("workflow-german");
  await page.evaluate(() => localStorage.setItem("tandem.language", "en"));
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
