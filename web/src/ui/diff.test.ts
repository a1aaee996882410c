import { expect, test } from "vitest";
import { difference } from "./diff";

const told = (before: string, after: string, around?: number): string[] =>
  difference(before, after, around).map(({ kind, text }) => `${{ same: " ", added: "+", removed: "-", skip: "" }[kind]}${text}`);

test("what changed is shown with the lines around it", () => {
  const before = "a\nb\nc\nd\ne\nf\ng";
  expect(told(before, "a\nb\nc\nD\ne\nf\ng", 1)).toEqual(["…", " c", "-d", "+D", " e", "…"]);
  expect(told(before, before)).toEqual([]);
  expect(told("a\nb\nc", "b\nx\nc\ny")).toEqual(["-a", " b", "+x", " c", "+y"]);
});

const letters = (seed: number) => Array.from({ length: 60 }, (_, at) => "abcde"[((seed + at) * 7919 * (at + seed)) % 5]).join("\n");

test("applying what is shown makes the one text of the other", () => {
  for (let seed = 1; seed < 40; seed += 1) {
    const [before, after] = [letters(seed), letters(seed + 1)];
    const lines = difference(before, after, 1000);
    const side = (drop: string) => lines.filter(({ kind }) => kind !== drop).map(({ text }) => text).join("\n");
    expect(side("added")).toBe(before);
    expect(side("removed")).toBe(after);
  }
});
