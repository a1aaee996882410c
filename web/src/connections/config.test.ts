import { expect, test } from "vitest";
import { entries, freeName, withEntry, withoutConnection } from "./config";

const TEXT = `# ours
version: 1

connections:
  # the office
  office: {system: a, auth: {scheme: x}} # kept
syncs:
  people: {left: office, right: other} # the rules
`;

test("a connection more changes nothing of what a person wrote", () => {
  const text = withEntry(TEXT, "connections", "crm", { system: "b" });
  expect(text).toContain("# ours");
  expect(text).toContain("  # the office\n  office: {system: a, auth: {scheme: x}} # kept\n");
  expect(entries(text, "connections")).toEqual(["office", "crm"]);
  expect(entries(withEntry(undefined, "connections", "crm", { system: "b" }), "connections")).toEqual(["crm"]);
});

test("a connection goes with the syncs that need it", () => {
  const text = withoutConnection(TEXT, "office", ["people"]);
  expect(entries(text, "connections")).toEqual([]);
  expect(entries(text, "syncs")).toEqual([]);
  expect(text).toContain("# ours");
});

test("a name is made of what the config takes, and never taken twice", () => {
  expect(freeName("onOffice enterprise", [])).toBe("onoffice-enterprise");
  expect(freeName("crm", ["crm", "crm-2"])).toBe("crm-3");
  expect(freeName("–", [])).toBe("one");
});
