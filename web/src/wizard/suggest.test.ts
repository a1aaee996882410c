import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { suggest, warning } from "./suggest";

const field = (name: string, more: Partial<Schemas["FieldSchema"]> = {}): Schemas["FieldSchema"] => ({
  name,
  label: name,
  kind: "text",
  capability: { access: "read_write", required: false, clearable: true },
  custom: false,
  ...more,
});
const fields = (...names: string[]) => names.map((name) => field(name));
const pairs = (left: Schemas["FieldSchema"][], right: Schemas["FieldSchema"][]) =>
  suggest(left, right).map((row) => `${row.left.join("+")} ${row.direction} ${row.right.join("+")}`);

test("German and English names of the same thing find each other, an address as a whole", () => {
  expect(
    pairs(
      fields("firstName", "lastName", "email", "address1", "postalCode", "city", "dateOfBirth", "score"),
      fields("Vorname", "Name", "emails", "Strasse", "Plz", "Ort", "Geburtsdatum", "Anrede"),
    ),
  ).toEqual([
    "firstName both Vorname",
    "lastName both Name",
    "email both emails",
    "dateOfBirth both Geburtsdatum",
    "address1+postalCode+city both Strasse+Plz+Ort",
  ]);
});

test("two names here are one there, and no field is used twice", () => {
  expect(pairs(fields("firstName", "lastName", "email"), fields("name", "email"))).toEqual([
    "firstName+lastName both name",
    "email both email",
  ]);
});

test("what cannot be written is not written to, and says so", () => {
  const fixed = field("email", { capability: { access: "read_only", required: false, clearable: false } });
  const once = field("companyName", { capability: { access: "create_only", required: false, clearable: false } });
  expect(pairs([fixed], fields("email"))).toEqual(["email to_right email"]);
  const row = { left: ["companyName"], right: ["Zusatz1"], direction: "both", policy: "" } as const;
  expect(warning({ ...row, left: [...row.left], right: [...row.right] }, [once], fields("Zusatz1"))).toBe("create_only");
});
