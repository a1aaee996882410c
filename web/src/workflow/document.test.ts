import { expect, test } from "vitest";
import { before, copies, insert, lead, move, remove, rename, type Step, TOP, type Workflow } from "./document";
import { Form } from "./form";

const step = { $ref: "#/$defs/Step" };
const form = new Form({
  properties: { trigger: { oneOf: [{ properties: { manual: {} } }] } },
  $defs: {
    Step: {
      properties: {
        id: {},
        next: { "x-step": true },
        map: {},
        stop: {},
        branch: { properties: { cases: { items: { properties: { go: { "x-step": true } } } }, otherwise: { "x-step": true } } },
        for_each: { properties: { items: {}, steps: { items: step } } },
        // a kind that this page has no words for
        both: { properties: { ways: { items: { properties: { steps: { items: step } } } }, late: { "x-step": true } } },
      },
    },
  },
});
const of = (steps: Step[]): Workflow => ({ version: 1, name: "w", trigger: { manual: {} }, steps });
const ids = (workflow: Workflow): string[] => workflow.steps.map(({ id }) => id);
const map = (id: string, more: object = {}): Step => ({ id, map: {}, ...more });
const branch = (id: string, go: string, more: object = {}): Step => ({ id, branch: { cases: [{ go }], ...more } });

test("what is put in goes on where the way went, and what goes without saying is left out", () => {
  const begun = of([map("a"), map("b")]);
  const first = insert(begun, form, { into: TOP }, [map("x")]);
  expect(first.steps).toEqual([map("x"), map("a"), map("b")]);
  expect(insert(begun, form, { from: "a", path: ["next"] }, [map("x"), map("y")]).steps).toEqual([map("a"), map("x"), map("y"), map("b")]);
  const last = insert(begun, form, { from: "b", path: ["next"] }, [branch("x", "end")]);
  expect(last.steps).toEqual([map("a"), map("b"), branch("x", "end")]);
});

test("a step on the way of a case is no step of the other way", () => {
  const begun = of([branch("q", "c"), map("b"), map("c")]);
  const more = insert(begun, form, { from: "q", path: ["branch", "cases", 0, "go"] }, [map("x")]);
  expect(more.steps.find(({ id }) => id === "q")?.["branch"]).toMatchObject({ cases: [{ go: "x" }] });
  // both come to c, and neither to the other
  const next = Object.fromEntries(more.steps.map((one, at) => [one.id, one.next ?? more.steps[at + 1]?.id ?? "end"]));
  expect([next["x"], next["b"], next["c"]]).toEqual(["c", "c", "end"]);
  expect(before(more, form, "x")).toEqual(["q"]);
  expect(new Set(before(more, form, "c"))).toEqual(new Set(["q", "b", "x"]));
});

test("what led to a step that is taken out leads to what came after it", () => {
  const begun = of([branch("q", "c"), map("b"), map("c"), map("d")]);
  const less = remove(begun, form, "c");
  expect(less.steps.find(({ id }) => id === "q")?.["branch"]).toMatchObject({ cases: [{ go: "d" }] });
  expect(ids(remove(begun, form, "q"))).toEqual(["b", "c", "d"]);
});

test("a step moves with what is in it, and never into itself", () => {
  const begun = of([map("a"), { id: "each", for_each: { items: "", steps: [map("in")] } }, map("z")]);
  expect(ids(move(begun, form, "each", { into: TOP }))).toEqual(["each", "a", "z"]);
  expect(move(begun, form, "each", { from: "in", path: ["next"] })).toBe(begun);
  const inside = move(begun, form, "z", { from: "in", path: ["next"] });
  expect(inside.steps).toEqual([map("a"), { id: "each", for_each: { items: "", steps: [map("in"), map("z")] } }]);
});

test("lists and ways of a kind that is new are found in its schema", () => {
  const begun = of([{ id: "both", both: { ways: [{ steps: [map("l")] }, { steps: [map("r")] }], late: "z" } }, map("y"), map("z")]);
  const more = insert(begun, form, { from: "r", path: ["next"] }, [map("x")]);
  expect(more.steps[0]?.["both"]).toEqual({ ways: [{ steps: [map("l")] }, { steps: [map("r"), map("x")] }], late: "z" });
  expect(lead(begun, form, "both", ["both", "late"], "end").steps[0]?.["both"]).toMatchObject({ late: "end" });
  expect(copies(begun, form, [begun.steps[0] as Step])[0]).toMatchObject({ id: "both_2", both: { ways: [{ steps: [{ id: "l_2" }] }, { steps: [{ id: "r_2" }] }] } });
});

test("tags follow a step that is called otherwise", () => {
  const begun = of([map("a"), { id: "b", map: { x: "{{ steps.a.name }} {{ steps.ab.name }}" } }, branch("q", "a2")]);
  const named = rename(begun, form, "a", "first");
  expect(named.steps[1]?.["map"]).toEqual({ x: "{{ steps.first.name }} {{ steps.ab.name }}" });
});
