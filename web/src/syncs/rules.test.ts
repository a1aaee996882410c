import { expect, test } from "vitest";
import { rulesOf, withRulesOf } from "./rules";

const text = "version: 1\n# all of it\nsyncs:\n  # people\n  one:\n    left: a # why\n    fields:\n      - {left: x, right: y}\n\n      # more of it\n    match: z\n\n  # the other\n  two:\n    left: b\n";

test("the rules of a sync are cut out with their comments", () => {
  expect(rulesOf(text, "one")).toContain("left: a # why\nfields:\n  - {left: x, right: y}\n");
  expect(rulesOf(text, "three")).toBeUndefined();
});

test("the rules of one sync come back, and nothing else does", () => {
  const now = text.replace("left: a # why", "left: c").replace("left: b", "left: d");
  expect(withRulesOf(now, text, "one")).toBe(text.replace("left: b", "left: d"));
  expect(withRulesOf(now, text, "two")).toBe(text.replace("left: a # why", "left: c"));
  expect(withRulesOf(now, text.replaceAll("\n    ", "\n      "), "one")).toContain("left: a");
  expect(withRulesOf(now, text, "three")).toBeUndefined();
});
