// Tokens in the config's text.
import { parseDocument } from "yaml";

/** The text with a token more. */
export function withToken(text: string, name: string, sha256: string, access: string): string {
  const document = parseDocument(text);
  document.setIn(["api", "tokens", name], document.createNode({ sha256, access }));
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The text without this token. */
export function withoutToken(text: string, name: string): string {
  const document = parseDocument(text);
  document.deleteIn(["api", "tokens", name]);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

export function hexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
