// The rules of one sync in the text of a config.
import { Document, isMap, parseDocument } from "yaml";

const written = (document: Document): string => document.toString({ lineWidth: 0, flowCollectionPadding: false });

/** What stands below the sync, with its comments; nothing where it stands elsewhere, as one that is made from a template. */
export function rulesOf(text: string, sync: string): string | undefined {
  const node: unknown = parseDocument(text).getIn(["syncs", sync], true);
  if (!isMap(node)) return undefined;
  const document = new Document();
  document.contents = node as never;
  return written(document);
}

/** The text with the rules that the sync has in the other one; all else stays as it is written. */
export function withRulesOf(text: string, other: string, sync: string): string | undefined {
  const [to, from] = [placeOf(text, sync), placeOf(other, sync)];
  if (to === undefined || from === undefined) return undefined;
  const spliced = text.slice(0, to.begin) + other.slice(from.begin, from.end) + text.slice(to.end);
  // written at another depth it would be another thing
  if (to.depth === from.depth && parseDocument(spliced).errors.length === 0) return spliced;
  const document = parseDocument(text);
  document.setIn(["syncs", sync], parseDocument(other).getIn(["syncs", sync], true));
  return written(document as unknown as Document);
}

/** Where the rules of a sync stand in a text, and how far they are indented. */
function placeOf(text: string, sync: string): { begin: number; end: number; depth: number } | undefined {
  const node: unknown = parseDocument(text).getIn(["syncs", sync], true);
  if (!isMap(node) || !node.range) return undefined;
  const [begin, end] = node.range;
  return { begin, end, depth: begin - text.lastIndexOf("\n", begin - 1) };
}
