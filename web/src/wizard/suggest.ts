// Which field is which: by what English and German speakers call the same thing, else by the same name.
import type { Schemas } from "../api/client";

type FieldSchema = Schemas["FieldSchema"];

/** One mapping of the new sync. */
export interface Row {
  left: string[];
  right: string[];
  direction: "both" | "to_right" | "to_left";
  /** What decides where both sides changed; nothing: the later change where that is proven, else a person. */
  policy: "" | "left_owns" | "right_owns" | "ask";
  /** Which choice of the left is which of the right. */
  values?: Record<string, string>;
}

/** What people call the same thing, without spaces, dots and case. */
const same: string[][] = [
  ["firstname", "vorname", "givenname"],
  ["lastname", "nachname", "name", "surname"],
  ["email", "emails", "e-mail", "emailadresse"],
  ["phone", "phones", "telefon", "phonenumber"],
  ["country", "land", "addresscountry"],
  ["dateofbirth", "geburtsdatum", "birthday", "birthdate"],
  ["companyname", "firma", "zusatz1"],
  ["website", "homepage", "url", "webseite"],
  ["description", "beschreibung", "bemerkung"],
];

type Choice = NonNullable<FieldSchema["choices"]>[number];

/** The choices of a pair of fields, where at least the left has some and the right is no open text of its own. */
export function choicesOf(row: Row, left: FieldSchema[], right: FieldSchema[]): { left: Choice[]; right: Choice[] } | undefined {
  const [here, there] = [left.find(({ name }) => name === row.left[0]), right.find(({ name }) => name === row.right[0])];
  if (row.left.length !== 1 || row.right.length !== 1 || !here?.choices?.length) return undefined;
  return { left: here.choices, right: there?.choices ?? [] };
}

/** Which choice is which, as far as they are called the same. */
export function sameChoices(left: Choice[], right: Choice[]): Record<string, string> {
  const found = left.flatMap((one) => {
    const other = right.find((own) => [plain(own.key), plain(own.label)].some((name) => [plain(one.key), plain(one.label)].includes(name)));
    return other && other.key !== one.key ? [[one.key, other.key]] : [];
  });
  return Object.fromEntries(found) as Record<string, string>;
}

/** The parts of an address, which move together. */
const address: string[][] = [
  ["address1", "strasse", "addressstreet", "address", "street"],
  ["postalcode", "plz", "addresszip", "zip"],
  ["city", "ort", "addresscity"],
];

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "").replaceAll("straße", "strasse");

/** Whether anything can be written to a field after a record was made. */
export function writable(field: FieldSchema): boolean {
  return field.capability.access === "read_write";
}

function called(fields: FieldSchema[], names: string[]): FieldSchema | undefined {
  for (const name of names) {
    const found = fields.find((field) => plain(field.name) === plain(name));
    if (found) return found;
  }
  return undefined;
}

/** Which way a pair of fields may travel at all. */
export function directionOf(left: FieldSchema, right: FieldSchema): Row["direction"] {
  if (!writable(left) && writable(right)) return "to_right";
  if (writable(left) && !writable(right)) return "to_left";
  return "both";
}

/** The pairs that are proposed for two schemas. */
export function suggest(left: FieldSchema[], right: FieldSchema[]): Row[] {
  const rows: Row[] = [];
  const taken = { left: new Set<string>(), right: new Set<string>() };
  const add = (one: FieldSchema[], other: FieldSchema[], direction: Row["direction"]) => {
    if (one.some(({ name }) => taken.left.has(name)) || other.some(({ name }) => taken.right.has(name))) return;
    for (const { name } of one) taken.left.add(name);
    for (const { name } of other) taken.right.add(name);
    rows.push({ left: one.map(({ name }) => name), right: other.map(({ name }) => name), direction, policy: "" });
  };
  // one field there, two here: the whole name
  const first = [called(left, ["firstName", "Vorname"]), called(right, ["firstName", "Vorname"])] as const;
  const last = [called(left, ["lastName"]), called(right, ["lastName"])] as const;
  const whole = [called(left, ["name"]), called(right, ["name"])] as const;
  if (first[0] && last[0] && !first[1] && whole[1]) add([first[0], last[0]], [whole[1]], "both");
  if (first[1] && last[1] && !first[0] && whole[0]) add([whole[0]], [first[1], last[1]], "both");
  for (const names of same) {
    const [one, other] = [called(left, names), called(right, names)];
    if (one && other) add([one], [other], directionOf(one, other));
  }
  const parts = address.map((names) => [called(left, names), called(right, names)] as const);
  const here = parts.flatMap(([one, other]) => (one && other ? [one] : []));
  const there = parts.flatMap(([one, other]) => (one && other ? [other] : []));
  if (here.length === address.length) add(here, there, "both");
  for (const one of left) {
    const other = right.find((field) => [plain(field.name), plain(field.label)].includes(plain(one.label)) || plain(field.name) === plain(one.name));
    if (other && (writable(one) || writable(other)) && one.kind === other.kind && typeof one.kind === "string" && !["set", "choice", "user"].includes(one.kind)) {
      add([one], [other], directionOf(one, other));
    }
  }
  return rows;
}

/** What is lossy about a pair, as the key of a word. */
export function warning(row: Row, left: FieldSchema[], right: FieldSchema[]): "create_only" | "read_only" | undefined {
  const ends = [
    ...row.left.map((name) => (row.direction === "to_right" ? undefined : left.find((field) => field.name === name))),
    ...row.right.map((name) => (row.direction === "to_left" ? undefined : right.find((field) => field.name === name))),
  ];
  const access = new Set(ends.map((field) => field?.capability.access));
  if (access.has("read_only")) return "read_only";
  return access.has("create_only") ? "create_only" : undefined;
}
