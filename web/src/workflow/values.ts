// Values as they are typed: text, JSON, or a tag that stands for what is known by then.

export const isTag = (value: unknown): boolean => typeof value === "string" && value.includes("{{");

/** Anything: what reads as JSON is JSON, everything else is text. */
export function anything(text: string): unknown {
  if (text === "") return undefined;
  if (!/^\s*([[{"]|-?\d|true$|false$|null$)/.test(text) || text.trimStart().startsWith("{{")) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function shown(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return JSON.stringify(value, null, typeof value === "object" ? 2 : 0);
  return typeof anything(value) === "string" ? value : JSON.stringify(value);
}
