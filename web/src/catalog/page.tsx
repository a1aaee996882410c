// The catalog: every operation of a connected system, what it takes, and trying it. Dry run first.
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { useT } from "../i18n";
import { Button, Card, Empty, Fetched, inputs, Labelled, Light, names, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";

const route = getRouteApi("/inside/catalog");

interface Shape {
  type?: string | string[];
  properties?: Record<string, Shape>;
  items?: Shape;
  required?: string[];
  enum?: unknown[];
  description?: string;
}

export function CatalogPage() {
  const t = useT();
  const status = useStatus();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const connections = status.data?.connections ?? [];
  const connection = search.connection ?? connections[0]?.name;
  return (
    <Page title={t("nav.catalog")} lead={t("catalog.lead")}>
      <Fetched of={status}>
        {() =>
          connection === undefined ? (
            <Empty title={t("connections.none")}>{t("connections.none.how")}</Empty>
          ) : (
            <div className="space-y-4">
              <div className="max-w-xs">
                <Labelled label={t("records.connection")}>
                  {(id) => (
                    <select
                      id={id}
                      className={inputs}
                      value={connection}
                      onChange={(event) => void navigate({ search: { connection: event.target.value, operation: undefined } })}
                    >
                      {connections.map(({ name, title }) => (
                        <option key={name} value={name}>
                          {name} ({title})
                        </option>
                      ))}
                    </select>
                  )}
                </Labelled>
              </div>
              <Browser key={connection} connection={connection} chosen={search.operation} />
            </div>
          )
        }
      </Fetched>
    </Page>
  );
}

function Browser({ connection, chosen }: { connection: string; chosen: string | undefined }) {
  const t = useT();
  const navigate = route.useNavigate();
  const [wanted, setWanted] = useState("");
  const words = useDeferredValue(wanted);
  const operations = useQuery({
    queryKey: ["operations", connection],
    queryFn: () => result(api.GET("/connections/{name}/operations", { params: { path: { name: connection } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const found = useMemo(() => {
    const parts = words.toLowerCase().split(/\s+/);
    return (operations.data ?? []).filter((operation) => {
      const text = `${operation.id} ${operation.title}`.toLowerCase();
      return parts.every((part) => text.includes(part));
    });
  }, [operations.data, words]);
  return (
    <Fetched of={operations}>
      {() => (
        <div className="grid gap-4 lg:grid-cols-[22rem_minmax(0,1fr)]">
          <div className="min-w-0 space-y-2">
            <Labelled label={t("search")}>
              {(id) => <input id={id} type="search" className={inputs} value={wanted} onChange={(event) => setWanted(event.target.value)} />}
            </Labelled>
            <output className="block text-sm text-soft">{t("catalog.found", { n: found.length })}</output>
            <ul aria-label={t("catalog.operations")} className="max-h-80 overflow-y-auto rounded-lg border border-line bg-card lg:max-h-[65dvh]">
              {found.map((operation) => (
                <li key={operation.id} className="border-b border-line last:border-0">
                  <button
                    type="button"
                    aria-current={operation.id === chosen}
                    onClick={() => void navigate({ search: { connection, operation: operation.id }, resetScroll: false })}
                    className={names(
                      "flex w-full items-center justify-between gap-2 px-3 py-2 text-left focus-visible:outline-offset-[-2px]",
                      operation.id === chosen ? "bg-accent-wash" : "hover:bg-sunk",
                    )}
                  >
                    <span className="min-w-0">
                      <span className="block font-medium">{operation.title}</span>
                      <span className="block truncate text-sm text-soft">{operation.id}</span>
                    </span>
                    <Light tone={operation.effect === "write" ? "accent" : "idle"}>
                      {operation.effect === "write" ? t("calls.write") : t("calls.read")}
                    </Light>
                  </button>
                </li>
              ))}
            </ul>
          </div>
          {chosen === undefined ? <Empty title={t("catalog.choose")} /> : <One key={chosen} connection={connection} id={chosen} />}
        </div>
      )}
    </Fetched>
  );
}

function One({ connection, id }: { connection: string; id: string }) {
  const operation = useQuery({
    queryKey: ["operation", connection, id],
    queryFn: () =>
      result(api.GET("/connections/{name}/operations/{operation}", { params: { path: { name: connection, operation: id } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return <Fetched of={operation}>{(found) => <Reading connection={connection} operation={found} />}</Fetched>;
}

function Reading({ connection, operation }: { connection: string; operation: Schemas["Operation"] }) {
  const t = useT();
  return (
    <div className="min-w-0 space-y-4">
      <Card title={operation.title} actions={<code className="text-sm break-all">{operation.id}</code>}>
        <div className="space-y-3">
          <p>{operation.description}</p>
          <p>
            <code className="break-all">
              {operation.method} {operation.path}
            </code>
          </p>
          <p className="text-sm text-soft">
            {t("catalog.needs")}: {operation.needs.length > 0 ? operation.needs.join(", ") : t("catalog.needs.none")}
          </p>
          <Fields title={t("catalog.input")} shape={operation.input as Shape} />
          <Fields title={t("catalog.output")} shape={operation.output as Shape} />
        </div>
      </Card>
      <Trying connection={connection} operation={operation} />
    </div>
  );
}

function kindOf(shape: Shape): string {
  if (shape.enum) return shape.enum.map(String).join(" | ");
  const type = Array.isArray(shape.type) ? shape.type.join(" | ") : (shape.type ?? "");
  return type === "array" && shape.items ? `${kindOf(shape.items)}[]` : type;
}

function Fields({ title, shape }: { title: string; shape: Shape }) {
  const t = useT();
  const fields = Object.entries(shape.properties ?? {});
  if (fields.length === 0) return null;
  return (
    <details>
      <summary className="cursor-pointer font-medium">
        {title} ({fields.length})
      </summary>
      <dl className="mt-2 space-y-2 text-sm">
        {fields.map(([name, field]) => (
          <div key={name}>
            <dt>
              <code>{name}</code> <span className="text-soft">{kindOf(field)}</span>
              {shape.required?.includes(name) ? <b> {t("catalog.required")}</b> : null}
            </dt>
            {field.description && <dd className="text-soft">{field.description}</dd>}
          </div>
        ))}
      </dl>
    </details>
  );
}

function Trying({ connection, operation }: { connection: string; operation: Schemas["Operation"] }) {
  const t = useT();
  const [text, setText] = useState(() => JSON.stringify(operation.example ?? {}, null, 2));
  const [sure, setSure] = useState(false);
  const input = useMemo(() => parsed(text), [text]);
  const run = useMutation({
    mutationFn: (dry: boolean) =>
      result(
        api.POST("/connections/{name}/operations/{operation}", {
          params: { path: { name: connection, operation: operation.id } },
          body: { input: input ?? {}, dry_run: dry },
        }),
      ),
    onSettled: () => setSure(false),
  });
  const writes = operation.effect === "write";
  return (
    <Card title={t("catalog.try")}>
      <div className="space-y-3">
        <Labelled label={t("catalog.json")}>
          {(id) => (
            <textarea
              id={id}
              rows={Math.min(16, text.split("\n").length + 1)}
              spellCheck={false}
              aria-invalid={input === undefined}
              className={`${inputs} font-mono text-sm`}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Labelled>
        {input === undefined && <p className="text-bad">{t("catalog.json.bad")}</p>}
        <div className="flex flex-wrap gap-2">
          <Button needs="work" look="main" disabled={input === undefined} busy={run.isPending} onClick={() => run.mutate(true)}>
            {t("catalog.dry")}
          </Button>
          <Button needs="work" disabled={input === undefined || run.isPending} onClick={() => (writes ? setSure(true) : run.mutate(false))}>
            {writes ? t("catalog.run.write") : t("catalog.run")}
          </Button>
        </div>
        <div aria-live="polite" className="space-y-2">
          {run.error && <Trouble error={run.error} />}
          {run.data && (
            <div>
              <h3 className="font-medium">{run.data.request === undefined ? t("catalog.answer") : t("catalog.request")}</h3>
              {/* what scrolls has to be reachable by keyboard */}
              {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
              <pre tabIndex={0} className="mt-1 max-h-96 overflow-auto rounded-md bg-sunk p-3 text-sm">
                {JSON.stringify(run.data.request ?? run.data.output, null, 2)}
              </pre>
            </div>
          )}
        </div>
      </div>
      <Dialog title={operation.title} open={sure} close={() => setSure(false)}>
        <p>{t("catalog.sure", { name: connection })}</p>
        <Button needs="work" look="danger" className="mt-4" busy={run.isPending} onClick={() => run.mutate(false)}>
          {t("catalog.run.write")}
        </Button>
      </Dialog>
    </Card>
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
