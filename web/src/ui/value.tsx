// Values of records, as people read them.
import type { Schemas } from "../api/client";
import { type Language, useSpeech } from "../i18n";

export type Field = Schemas["Field"];

interface Point {
  value: string;
  label?: string;
}

/** A field's value in words; nothing where there is none. */
export function valueText(field: unknown, language: Language): string | undefined {
  if (field === undefined || field === null || field === "unknown" || field === "empty") return undefined;
  if (typeof field !== "object" || !("value" in field)) return JSON.stringify(field);
  const value = field.value as Record<string, unknown>;
  const [kind, inner] = Object.entries(value)[0] ?? [];
  switch (kind) {
    case "text":
    case "number":
      return String(inner);
    case "boolean":
      return inner === true ? "✓" : "✗";
    case "date":
      return new Date(`${String(inner)}T12:00:00`).toLocaleDateString(language, { dateStyle: "medium" });
    case "instant":
      return new Date(String(inner)).toLocaleString(language);
    case "set":
      return (inner as string[]).join(" · ");
    case "points":
      return (inner as Point[]).map((point) => (point.label ? `${point.value} (${point.label})` : point.value)).join(" · ");
    default:
      return JSON.stringify(value);
  }
}

export function FieldValue({ field }: { field: unknown }) {
  const { language, t } = useSpeech();
  const text = valueText(field, language);
  if (text !== undefined) return <span className="wrap-anywhere">{text}</span>;
  return <span className="text-soft italic">{field === "empty" ? t("value.empty") : t("value.unknown")}</span>;
}
