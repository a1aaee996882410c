import { expect, test } from "vitest";
import { ago, span, translate } from "./index";
import { words } from "./words";

const parts = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].toSorted();

test("both languages have every word, with the same parts to fill in", () => {
  for (const [key, [english, german]] of Object.entries(words)) {
    expect(english.length && german.length, key).toBeGreaterThan(0);
    expect(parts(german), key).toEqual(parts(english));
    expect(german.split(" | ").length, key).toBe(english.split(" | ").length);
  }
});

test("numbers, times and spans are written as people of each language do", () => {
  expect(translate("de", "home.links", { n: 12345 })).toContain("12.345");
  expect(translate("en", "home.links", { n: 1 })).toBe("1 linked pair");
  expect(ago("en", "2026-01-01T00:00:00Z", Date.parse("2026-01-01T02:00:00Z"))).toBe("2 hr. ago");
  expect(span("de", 1500)).toBe("1,5 Sek.");
});
