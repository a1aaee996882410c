// What is there in hundreds stays usable: a workflow of 200 steps, a mapping of 500 fields.
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

test("a workflow of 200 steps is searched, walked through and edited, and only what is seen is drawn", async () => {
  const { page } = world;
  const steps = Array.from({ length: 200 }, (_, n) => {
    const id = `s${n}`;
    if (n % 20 === 10) return { id, branch: { cases: [{ when: { value: "{{ trigger.x }}", is: "filled" }, go: `s${n + 3}` }] } };
    if (n % 20 === 15) return { id, for_each: { items: "{{ trigger.list }}", steps: [{ id: `${id}_in`, map: { v: "{{ item.name }}" } }] } };
    return { id, map: { x: n % 20 > 15 || n % 20 < 10 ? `{{ steps.s${Math.max(0, n - 1)} }}` : "{{ trigger.x }}" } };
  });
  steps[0] = { id: "s0", map: { x: "{{ trigger.x }}" } };
  const text = JSON.stringify({ version: 1, name: "long", title: "Long", trigger: { manual: {} }, steps });
  // the check goes through all of it with every key that is pressed
  const begun = Date.now();
  const { problems } = await world.api<{ problems: unknown[] }>("POST", "/workflows", { text, incomplete: true });
  expect(problems).toEqual([]);
  expect(Date.now() - begun).toBeLessThan(1500);
  await page.goto(`${world.url}/workflows/long`);
  const node = (name: string) => page.getByRole("group", { name, exact: true }).and(page.locator(".react-flow__node"));
  await node("Make values: s0").waitFor();
  expect(await page.locator(".react-flow__node").count()).toBeLessThan(40);
  await page.getByLabel("Search steps").fill("s187");
  await page.keyboard.press("Enter");
  await node("Make values: s187").focus();
  await page.keyboard.press("ArrowDown");
  await waitFor(async () => expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Make values: s188"));
  await page.keyboard.press("a");
  await page.getByRole("dialog").getByRole("button", { name: /Delay/ }).click();
  await node("Delay: delay").waitFor();
  await page.getByRole("region", { name: "Chosen step" }).getByLabel("Title").fill("A while later");
  await node("Delay: A while later").waitFor();
  await waitFor(async () => {
    const { draft } = await world.api<{ draft: { steps: { id: string }[] } }>("GET", "/workflows/long");
    expect(draft.steps.findIndex(({ id }) => id === "delay")).toBe(189);
  });
  await world.look("workflow-long");
});

test("a mapping of 500 fields is searched, and only what is seen is drawn", async () => {
  const { page } = world;
  const rows = Array.from({ length: 500 }, (_, n) => ({ left: [`left_${n}`], right: [`right_${n}`], direction: "both", policy: "" }));
  const rules = {
    rows,
    keys: ["email"],
    names: true,
    create: { left: true, right: true },
    deletes: { left: "unlink_and_ask", right: "unlink_and_ask" },
    limits: { deletes: 1, overwrites: 1, creates: 1 },
  };
  const draft = { step: 1, name: "many", left: "marketing", right: "office", entities: ["contact"], rules: { contact: rules } };
  await page.evaluate((kept) => localStorage.setItem("tandem.new-sync", kept), JSON.stringify(draft));
  await page.goto(`${world.url}/new`);
  const list = page.getByRole("list", { name: "Contact" });
  await list.getByText("left_0", { exact: true }).first().waitFor();
  expect(await list.getByRole("listitem").count()).toBeLessThan(40);
  await page.getByLabel("Search 500 pairs").fill("left_487");
  await list.getByText("right_487").first().waitFor();
  expect(await list.getByRole("listitem").count()).toBe(1);
  await page.getByLabel("Direction of left_487").selectOption("to_right");
  await page.getByLabel("Search 500 pairs").fill("");
  await world.look("new-sync-many");
  expect(await page.evaluate(() => localStorage.getItem("tandem.new-sync"))).toContain('"right":["right_487"],"direction":"to_right"');
});

test("no page did what none may do", () => {
  expect(world.faults).toEqual([]);
});
