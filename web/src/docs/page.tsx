// The API, read from its own description: every request, what it takes and what it answers.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useT } from "../i18n";
import { Fetched, inputs, Labelled, Light } from "../ui/basic";
import { useTitle } from "../signin/door";

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  oneOf?: Schema[];
  description?: string;
}
interface Body {
  content?: Record<string, { schema?: Schema }>;
  description?: string;
}
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: Body;
  responses: Record<string, Body>;
}
interface Description {
  info: { title: string; description: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** A schema in a few letters: `Review[]`, `string | null`. */
export function short(schema: Schema | undefined): string {
  if (!schema) return "–";
  if (schema.$ref) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.oneOf) return schema.oneOf.map(short).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `${short(schema.items)}[]`;
  if (schema.properties) return `{ ${Object.keys(schema.properties).join(", ")} }`;
  if (typeof schema.additionalProperties === "object") return `{ [name]: ${short(schema.additionalProperties)} }`;
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : schema.type;
  return schema.format ? `${type} (${schema.format})` : (type ?? "any");
}

export function DocsPage() {
  const t = useT();
  useTitle(t("docs.title"));
  const [search, setSearch] = useState("");
  const description = useQuery({
    queryKey: ["openapi"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const answer = await fetch("/api/openapi.json");
      if (!answer.ok) throw new Error(String(answer.status));
      return (await answer.json()) as Description;
    },
  });
  return (
    <main id="main" className="mx-auto w-full max-w-5xl px-4 pt-6 pb-16">
      <h1 className="text-xl font-semibold">{t("docs.title")}</h1>
      <Fetched of={description}>{(found) => <Operations of={found} search={search} setSearch={setSearch} />}</Fetched>
    </main>
  );
}

function Operations({ of, search, setSearch }: { of: Description; search: string; setSearch: (text: string) => void }) {
  const t = useT();
  const groups = useMemo(() => {
    const wanted = search.toLowerCase();
    const found = new Map<string, { method: string; path: string; operation: Operation }[]>();
    for (const [path, methods] of Object.entries(of.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (!`${method} ${path} ${operation.summary}`.toLowerCase().includes(wanted)) continue;
        const tag = operation.tags[0] ?? "";
        found.set(tag, [...(found.get(tag) ?? []), { method, path, operation }]);
      }
    }
    return [...found];
  }, [of, search]);
  return (
    <>
      <p className="mt-1 max-w-prose text-soft">{of.info.description}</p>
      <p className="mt-2">
        <a href="/api/openapi.json" className="text-accent underline">
          openapi.json
        </a>
      </p>
      <div className="my-4 max-w-sm">
        <Labelled label={t("search")}>
          {(id) => (
            <input id={id} type="search" className={inputs} value={search} onChange={(event) => setSearch(event.target.value)} />
          )}
        </Labelled>
      </div>
      {groups.map(([tag, operations]) => (
        <section key={tag} className="mb-6">
          <h2 className="mb-2 font-semibold">{tag}</h2>
          <div className="space-y-2">
            {operations.map(({ method, path, operation }) => (
              <details key={operation.operationId} className="rounded-lg border border-line bg-card px-4 py-2.5">
                <summary className="cursor-pointer">
                  <Light tone={method === "get" ? "ok" : "accent"}>{method.toUpperCase()}</Light>{" "}
                  <code className="break-all">
                    {of.servers[0]?.url}
                    {path}
                  </code>
                  <span className="block text-soft">{operation.summary}</span>
                </summary>
                <One operation={operation} schemas={of.components.schemas} />
              </details>
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

function One({ operation, schemas }: { operation: Operation; schemas: Record<string, Schema> }) {
  const t = useT();
  const body = Object.entries(operation.requestBody?.content ?? {});
  const answer = Object.entries(operation.responses["200"]?.content ?? {});
  return (
    <div className="mt-3 space-y-3 text-sm">
      {operation.parameters && (
        <div>
          <h3 className="font-medium">{t("docs.parameters")}</h3>
          <ul className="mt-1 space-y-0.5">
            {operation.parameters.map((parameter) => (
              <li key={parameter.name}>
                <code>{parameter.name}</code> <span className="text-soft">({parameter.in})</span>: <code>{short(parameter.schema)}</code>
                {parameter.required ? "" : " ?"}
              </li>
            ))}
          </ul>
        </div>
      )}
      {body.length > 0 && (
        <div>
          <h3 className="font-medium">{t("docs.body")}</h3>
          {body.map(([kind, { schema }]) => (
            <Shape key={kind} kind={kind} schema={schema} schemas={schemas} />
          ))}
        </div>
      )}
      <div>
        <h3 className="font-medium">{t("docs.answer")}</h3>
        {answer.map(([kind, { schema }]) => (
          <Shape key={kind} kind={kind} schema={schema} schemas={schemas} />
        ))}
      </div>
    </div>
  );
}

function Shape({ kind, schema, schemas }: { kind: string; schema: Schema | undefined; schemas: Record<string, Schema> }) {
  const name = schema?.$ref?.split("/").at(-1) ?? schema?.items?.$ref?.split("/").at(-1);
  const inner = name === undefined ? schema : schemas[name];
  return (
    <div className="mt-1">
      <p>
        <code>{kind}</code>: <code>{short(schema)}</code>
      </p>
      {schema?.description && <p className="text-soft">{schema.description}</p>}
      {inner?.description && inner !== schema && <p className="text-soft">{inner.description}</p>}
      {inner?.properties && (
        <ul className="mt-1 ml-4 space-y-0.5">
          {Object.entries(inner.properties).map(([property, of]) => (
            <li key={property}>
              <code>{property}</code>
              {inner.required?.includes(property) ? "" : "?"}: <code className="break-all">{short(of)}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
