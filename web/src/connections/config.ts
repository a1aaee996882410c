// Changing the config as a person would: its text stays as it is, with all its comments, but for what changes.
import { Document, isMap, parseDocument, type YAMLMap } from "yaml";

/** The config where none is in force. */
const FRESH = "# Written by Tandem's web UI. `tandem apply FILE` takes the same.\nversion: 1\n";

function opened(text: string | undefined): Document {
  const document = parseDocument(text ?? FRESH);
  if (document.errors.length > 0) throw new Error(document.errors[0]?.message);
  return document as unknown as Document;
}

function section(document: Document, name: string): YAMLMap {
  const found: unknown = document.get(name);
  if (isMap(found)) return found as YAMLMap;
  const made = document.createNode({}) as YAMLMap;
  document.set(name, made);
  return made;
}

const closed = (document: Document): string => document.toString({ lineWidth: 0, flowCollectionPadding: false });

/** The text with one entry more, or another one, in `connections` or `syncs`. */
export function withEntry(text: string | undefined, part: "connections" | "syncs", name: string, value: object): string {
  const document = opened(text);
  section(document, part).set(name, document.createNode(value));
  return closed(document);
}

/** The text without this connection and without the syncs that need it. */
export function withoutConnection(text: string, name: string, syncs: string[]): string {
  const document = opened(text);
  document.deleteIn(["connections", name]);
  for (const sync of syncs) document.deleteIn(["syncs", sync]);
  return closed(document);
}

/** The names below a part of the config. */
export function entries(text: string | undefined, part: "connections" | "syncs"): string[] {
  const found: unknown = opened(text).get(part);
  return isMap(found) ? found.items.map((item) => String(item.key)) : [];
}

/** A name that the config takes and that is not taken: lower case letters, digits, `-` and `_`. */
export function freeName(wanted: string, taken: string[]): string {
  const base = wanted.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-").replaceAll(/^-+|-+$/g, "") || "one";
  let name = base;
  for (let number = 2; taken.includes(name); number += 1) name = `${base}-${number}`;
  return name;
}
