// A sandbox with a few people, the real binary on it, and a browser that looks at everything it is shown.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page, type Response } from "playwright-core";
import { people } from "./people";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env["TANDEM_BINARY"] ?? join(ROOT, "target/debug/tandem");
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** A folder that the pages' files come from, in place of those in the binary: nothing has to be built anew to try a page. */
const DIST = process.env["TANDEM_DIST"];
/** Where pictures of the pages go, if they are wanted. */
const IMAGES = process.env["TANDEM_IMAGES"];

export const PASSWORD = "four words make it long";

type Json = Record<string, unknown>;

export class World {
  private constructor(
    readonly folder: string,
    private readonly children: ChildProcess[],
    readonly sandbox: string,
    readonly url: string,
    readonly link: string,
    readonly token: string,
    readonly browser: Browser,
    readonly context: BrowserContext,
    readonly page: Page,
    /** What a page must not do, as it happened. */
    readonly faults: string[],
  ) {}

  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "tandem-ui-"));
    const children: ChildProcess[] = [];
    for (const [name, rows] of Object.entries(people)) {
      writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => JSON.stringify(row)).join("\n"));
    }
    const environment = { ...process.env, TANDEM_DATABASE: undefined, TANDEM_CONFIG: undefined };
    const start = (...words: string[]) => {
      const child = spawn(BINARY, words, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
      children.push(child);
      return child;
    };
    const sandbox = (
      await line(start("sandbox", "--listen", "127.0.0.1:0", "--people", folder), "stdout", /^(http:\S+)/m)
    )[1] as string;
    writeFileSync(join(folder, "tandem.yaml"), await config(sandbox));
    const served = start("--database", "tandem.db", "serve", "--config", "tandem.yaml");
    const link = (await line(served, "stderr", /(http:\S+\/welcome#\S+)/))[1] as string;
    const url = new URL(link).origin;
    const beside = await waitFor(() => JSON.parse(readFileSync(join(folder, "tandem.db.server"), "utf8")) as Json);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 } });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const faults: string[] = [];
    const world = new World(folder, children, sandbox, url, link, beside["token"] as string, browser, context, page, faults);
    world.watch(page);
    if (DIST !== undefined) {
      await context.route(`${url}/assets/*`, (route) => route.fulfill({ path: join(resolve(ROOT, DIST), new URL(route.request().url()).pathname) }));
    }
    return world;
  }

  /** Everything that a page asks for comes from here, every answer has the form that is described, nothing is said in the console. */
  watch(page: Page): void {
    page.on("request", (request) => {
      const from = new URL(request.url()).origin;
      if (from !== this.url && !request.url().startsWith("data:") && from !== this.sandbox) this.faults.push(`asks ${from}`);
    });
    page.on("console", (message) => {
      const refused = /Failed to load resource/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !refused) this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`page: ${error.message}`));
    page.on("response", (response) => void this.check(response));
  }

  private async check(response: Response): Promise<void> {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith("/api/v1/") || !(response.headers()["content-type"] ?? "").includes("json")) return;
    const body: unknown = await response.json().catch(() => undefined);
    if (body === undefined) return;
    const wrong = described(response.request().method().toLowerCase(), pathname.slice("/api/v1".length), response.ok(), body);
    if (wrong) this.faults.push(`${response.request().method()} ${pathname}: ${wrong}`);
  }

  /** A request to the API, as the command line makes it. */
  async api<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** What a person does in a system. */
  act(system: string, act: string, input: unknown = {}): Promise<Json> {
    return control(this.sandbox, system, act, input);
  }

  /** Signs in to both systems without the UI. */
  async connectBoth(): Promise<void> {
    const office = await this.act("onoffice", "show_access");
    await this.api("POST", "/connections/office/connect", { fields: { token: office["token"], secret: office["secret"] } });
    const access = await this.act("highlevel", "access");
    const begun = await this.api("POST", "/connections/marketing/connect", {
      fields: { client_id: access["clientId"], client_secret: access["clientSecret"] },
    });
    const consent = (await fetch(begun["link"] as string, { redirect: "manual" })).headers.get("location") ?? "";
    const back = (await fetch(`${consent}&sandbox_approve=first`, { redirect: "manual" })).headers.get("location") ?? "";
    const done = await fetch(back);
    if (!done.ok) throw new Error(`the sign-in failed: ${await done.text()}`);
  }

  /** Sets the owner's password through the printed link. */
  async welcome(): Promise<void> {
    await this.page.goto(this.link);
    await this.page.getByLabel("New password").fill(PASSWORD);
    await this.page.getByLabel("The same once more").fill(PASSWORD);
    await this.page.getByRole("button", { name: "Set password and sign in" }).click();
    await this.page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  }

  /** Another browser, in which nobody is signed in. */
  async another(): Promise<{ context: BrowserContext; page: Page }> {
    const context = await this.browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 } });
    if (DIST !== undefined) {
      await context.route(`${this.url}/assets/*`, (route) => route.fulfill({ path: join(resolve(ROOT, DIST), new URL(route.request().url()).pathname) }));
    }
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    this.watch(page);
    return { context, page };
  }

  /** To a page by the name that stands in the navigation. */
  async go(name: string): Promise<void> {
    const places = this.page.getByRole("navigation", { name: "Pages" });
    await places.getByRole("link", { name: new RegExp(`^${name}`) }).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  /**
   * Looks at the page as it is in light, dark and at 390 pixels: axe finds nothing, nothing sticks out at the side. Takes
   * pictures where they are wanted.
   */
  async look(name: string): Promise<void> {
    const { page } = this;
    for (const [kind, colorScheme, size] of [
      ["light", "light", { width: 1280, height: 860 }],
      ["dark", "dark", { width: 1280, height: 860 }],
      ["narrow", "light", { width: 390, height: 844 }],
    ] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { axe: checker } = window as unknown as { axe: typeof axe };
        const { violations } = await checker.run(document, { resultTypes: ["violations"] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
      });
      for (const one of found) this.faults.push(`${name} ${kind}: axe ${one}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) this.faults.push(`${name} ${kind}: ${wide} pixels stick out at the side`);
      if (IMAGES) {
        mkdirSync(resolve(ROOT, IMAGES), { recursive: true });
        await page.screenshot({ path: resolve(ROOT, IMAGES, `${name}-${kind}.jpg`), scale: "css", type: "jpeg", quality: 55 });
      }
    }
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: "light" });
  }

  async end(): Promise<void> {
    await this.browser.close();
    await Promise.all(
      this.children.map(
        (child) =>
          new Promise<void>((done) => {
            if (child.exitCode !== null) return done();
            child.once("exit", () => done());
            return void child.kill();
          }),
      ),
    );
    rmSync(this.folder, { recursive: true });
  }
}

async function control(sandbox: string, system: string, act: string, input: unknown): Promise<Json> {
  const response = await fetch(`${sandbox}/_sandbox/${system}/act/${act}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${system} ${act}: ${await response.text()}`);
  return (await response.json()) as Json;
}

function cut(text: string, from: string, to?: string): string {
  const begin = text.indexOf(from);
  if (begin < 0) throw new Error(`the demo's config has no ${from}`);
  return text.slice(0, begin) + (to === undefined ? "" : text.slice(text.indexOf(to)));
}

/** The demo's config of the first two systems, on this sandbox. */
async function config(sandbox: string): Promise<string> {
  const demo = readFileSync(join(ROOT, "examples/demo.yaml"), "utf8");
  const both = cut(cut(cut(demo, "public_url:", "database:"), "  coworking:\n", "# What is kept the same"), "      # Tasks of contacts");
  const pair = both.replace("      calendar: CALENDAR_ID\n", "");
  const pem = (await control(sandbox, "highlevel", "access", {}))["webhookPublicKey"] as string;
  const key = pem.split("\n").filter((one) => !one.startsWith("-----")).join("");
  return pair
    .replaceAll("http://127.0.0.1:4010", sandbox)
    .replaceAll("127.0.0.1:8484", "127.0.0.1:0")
    .replace("    auth:\n      scheme: oauth\n", `    webhook_keys:\n      ed25519: ${key}\n    auth:\n      scheme: oauth\n`);
}

/** Waits until a program prints what is looked for. */
function line(child: ChildProcess, out: "stdout" | "stderr", wanted: RegExp): Promise<RegExpExecArray> {
  return new Promise((found, failed) => {
    let said = "";
    const timer = setTimeout(() => failed(new Error(`never said ${wanted}: ${said}`)), 30_000);
    child.once("exit", (code) => failed(new Error(`ended with ${code}: ${said}`)));
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const match = stream === out ? wanted.exec(said) : null;
        if (!match) return;
        clearTimeout(timer);
        found(match);
      });
    }
  });
}

/** Tries until it works. */
export async function waitFor<T>(attempt: () => T | Promise<T>, longest = 20_000): Promise<T> {
  const begun = Date.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() - begun > longest) throw error;
      await new Promise((then) => setTimeout(then, 50));
    }
  }
}

const description = JSON.parse(readFileSync(join(ROOT, "crates/server/openapi.json"), "utf8")) as {
  paths: Record<string, Record<string, unknown>>;
};
const ajv = new Ajv2020({ strict: false, formats: { "date-time": true } });
ajv.addSchema(description, "api");
const known = new Map<string, ValidateFunction>();

/** What is wrong with an answer, held against the API's description. */
function described(method: string, path: string, good: boolean, body: unknown): string | undefined {
  const route = Object.keys(description.paths).find((template) => {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return pattern.test(path) && method in (description.paths[template] ?? {});
  });
  if (route === undefined) return "it is not described";
  const place = ["paths", route, method, "responses", good ? "200" : "default", "content", "application/json", "schema"]
    .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
    .map(encodeURIComponent)
    .join("/");
  let validate = known.get(place);
  if (!validate) {
    validate = ajv.compile({ $ref: `api#/${place}` });
    known.set(place, validate);
  }
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
}
