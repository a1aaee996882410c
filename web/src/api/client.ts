// The one way to the API: typed by the committed OpenAPI document, with the proof that changes need.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the API says no with. */
export class Refusal extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly status: number;
  readonly problems: Schemas["Problem"][];

  constructor(status: number, body: Schemas["Error"]) {
    super(body.message);
    this.name = "Refusal";
    this.status = status;
    this.code = body.code;
    this.hint = body.hint;
    this.problems = body.problems ?? [];
  }
}

let proof: string | undefined;

/** Keeps the proof of the session for the requests to come. */
export function keepProof(csrf: string | null | undefined): void {
  proof = csrf ?? undefined;
}

/** What is called when the session has ended. */
let ended: () => void = () => {};
export function whenSessionEnds(then: () => void): void {
  ended = then;
}

export const api = createClient<paths>({ baseUrl: "/api/v1", credentials: "same-origin" });

api.use({
  onRequest({ request }) {
    if (proof !== undefined && request.method !== "GET") {
      request.headers.set("x-tandem-csrf", proof);
    }
    return request;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The result of a request, or its refusal thrown. */
export async function result<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new Refusal(0, { code: "", message: "" });
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  throw refusal(answer.response.status, answer.error);
}

function refusal(status: number, body: unknown): Refusal {
  if (status === 401) ended();
  if (isError(body)) return new Refusal(status, body);
  return new Refusal(status, { code: "", message: `HTTP ${status}` });
}

function isError(body: unknown): body is Schemas["Error"] {
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}

/** Does what takes its time, and tells of its progress; resolves with the report. */
export async function follow<P, R>(
  path: string,
  body: unknown,
  progress: (progress: P) => void,
  signal?: AbortSignal,
): Promise<R> {
  const headers = new Headers({ accept: "text/event-stream", "content-type": "application/json" });
  if (proof !== undefined) headers.set("x-tandem-csrf", proof);
  const init: RequestInit = { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" };
  if (signal) init.signal = signal;
  const response = await fetch(`/api/v1${path}`, init);
  if (!response.ok || response.body === null) {
    const refused: unknown = await response.json().catch(() => null);
    throw refusal(response.status, refused);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Refusal(0, { code: "", message: "" });
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const event = eventOf(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event?.name === "progress") progress(event.data as P);
      if (event?.name === "report") return event.data as R;
      if (event?.name === "error") throw refusal(409, event.data);
    }
  }
}

/** Name and data of one server-sent event; nothing for a comment that only keeps the line open. */
export function eventOf(text: string): { name: string; data: unknown } | undefined {
  let name: string | undefined;
  const data: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return name === undefined ? undefined : { name, data: JSON.parse(data.join("\n")) as unknown };
}
