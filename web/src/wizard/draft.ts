// The sync that is being made, kept in this browser so that it can be left and gone on with.
import type { Schemas } from "../api/client";
import type { Row } from "./suggest";

type Entity = Schemas["Entity"];

export interface Rules {
  rows: Row[];
  keys: string[];
  names: boolean;
  create: { left: boolean; right: boolean };
  deletes: { left: string; right: string };
  limits: { deletes: number; overwrites: number; creates: number };
  /** Which records take part; none: all. */
  scope?: { left: Condition[]; right: Condition[] };
}

export interface Condition {
  field: string;
  is: "is" | "is_not" | "contains" | "exists";
  /** Words with commas between them. */
  to: string;
}

export interface Draft {
  step: number;
  name: string;
  left: string;
  right: string;
  entities: Entity[];
  rules: Partial<Record<Entity, Rules>>;
  /** Under this name it is in force, as a preview that writes nothing. */
  previewed: string | undefined;
}

const KEPT = "tandem.new-sync";

export const fresh: Draft = { step: 0, name: "", left: "", right: "", entities: ["contact"], rules: {}, previewed: undefined };

export function kept(): Draft {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return typeof found === "object" && found !== null ? { ...fresh, ...(found as Partial<Draft>) } : fresh;
  } catch {
    return fresh;
  }
}

export function keep(draft: Draft): void {
  localStorage.setItem(KEPT, JSON.stringify(draft));
}

export function drop(): void {
  localStorage.removeItem(KEPT);
}

export function rulesFor(rows: Row[], entity: Entity): Rules {
  return {
    rows,
    keys: entity === "company" ? ["email", "name_postcode"] : ["email", "phone"],
    names: true,
    create: { left: true, right: true },
    deletes: { left: "unlink_and_ask", right: "unlink_and_ask" },
    limits: { deletes: 100, overwrites: 500, creates: 5000 },
  };
}

const words = (text: string): string[] => text.split(",").map((word) => word.trim()).filter(Boolean);

/** Conditions as the config writes them; those without a field are not meant yet. */
function conditions(list: Condition[]): object[] {
  return list
    .filter(({ field, is, to }) => field !== "" && (is === "exists" || words(to).length > 0))
    .map(({ field, is, to }) => ({ field, [is]: is === "exists" ? to !== "no" : one(words(to)) }));
}

function scopeOf({ scope }: Rules): object {
  const sides = Object.entries(scope ?? {}).map(([side, list]) => [side, conditions(list)] as const).filter(([, list]) => list.length > 0);
  return sides.length > 0 ? { scope: Object.fromEntries(sides) } : {};
}

/** Which value is which, without those that have no counterpart. */
function valuesOf({ values }: Row): object {
  const pairs = Object.entries(values ?? {}).filter(([, other]) => other !== "");
  return pairs.length > 0 ? { values: Object.fromEntries(pairs) } : {};
}

const one = (names: string[]): string | string[] => (names.length === 1 ? (names[0] ?? "") : names);

/** What the config says of it. */
export function inConfig(draft: Draft, mode: "preview" | "two-way"): object {
  const entities: Record<string, object> = {};
  for (const entity of draft.entities) {
    const rules = draft.rules[entity];
    if (!rules) continue;
    entities[entity] = {
      fields: rules.rows.map((row) => ({
        ...(row.left.length > 1 && row.right.length > 1 ? { name: "address" } : {}),
        ...(row.left.length !== row.right.length ? { name: "name", lens: "full_name" } : {}),
        left: one(row.left),
        right: one(row.right),
        ...(row.direction === "both" ? {} : { direction: row.direction }),
        ...(row.policy ? { policy: row.policy } : {}),
        ...valuesOf(row),
      })),
      ...scopeOf(rules),
      match: { keys: rules.keys, name_check: rules.names },
      create: rules.create,
      deletes: rules.deletes,
      limits: {
        deletes: { share: 0.05, number: rules.limits.deletes },
        overwrites: { share: 0.2, number: rules.limits.overwrites },
        creates: { share: 1, number: rules.limits.creates },
      },
    };
  }
  return { left: draft.left, right: draft.right, mode, entities };
}
