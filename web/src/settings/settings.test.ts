import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Key, translate } from "../i18n";
import { words } from "../i18n/words";
import { holds } from "../signin/may";
import { actor, between } from "./acts";
import { roles, isName } from "./users";
import { scopes } from "./tokens";

const t = (key: Key, parts?: Record<string, string | number>) => translate("en", key, parts);

test("who did something is said in words", () => {
  expect(actor(t, { actor: "user", who: "ada", user: "ada" })).toBe("ada");
  expect(actor(t, { actor: "token", who: "robot", user: null })).toBe("Token robot");
  expect(actor(t, { actor: "token", who: "robot", user: "ada" })).toBe("Token robot of ada");
  expect(actor(t, { actor: "command_line", who: "", user: null })).toBe("Command line");
  expect(actor(t, { actor: "nobody", who: "", user: null })).toBe("Nobody known");
});

test("the last day that is asked for is in it, whole", () => {
  expect(between("", "")).toEqual({});
  const { since, until } = between("2026-03-28", "2026-03-29");
  // also where the clocks are put forward in between
  expect(new Date(since ?? "").getDate()).toBe(28);
  expect(new Date(until ?? "").getDate()).toBe(30);
  expect(new Date(until ?? "").getHours()).toBe(0);
});

test("who has no scope that is known may nothing", () => {
  expect(holds(undefined, "read")).toBe(false);
  expect(holds(["read"], "read")).toBe(true);
  expect(holds(["read", "config"], "work")).toBe(false);
});

test("every role, scope and act has words", () => {
  const known = new Set(Object.keys(words));
  for (const role of roles) expect(known.has(`role.${role}`) && known.has(`users.may.${role}`), role).toBe(true);
  for (const scope of scopes) expect(known.has(`scope.${scope}`) && known.has(`may.${scope}`), scope).toBe(true);
  const routes = readFileSync(join(import.meta.dirname, "../../../crates/server/src/access/routes.rs"), "utf8");
  const acts = [...routes.matchAll(/known\("\w+", "[^"]+", Need::[^"]+, "([\w.]+)"\)/g)].map(([, act]) => act);
  expect(acts.length).toBeGreaterThan(40);
  for (const act of acts) expect(known.has(`act.${act}`), act).toBe(true);
});

test("a name is in lower case, as the server takes it", () => {
  for (const good of ["ada", "ada@example.org", "a.b-c_1", "0"]) expect(isName(good), good).toBe(true);
  for (const bad of ["", "Ada", "-a", "a b", "ä", "a".repeat(65)]) expect(isName(bad), bad).toBe(false);
});
