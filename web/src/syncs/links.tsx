// Links as people make and end them: pairs in and out of a file, and what was decided about pairs.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { Button, Card, inputs, Labelled, Light, Table, Trouble } from "../ui/basic";
import { RecordLink } from "./page";
import { Paged } from "./paging";

/** As many as the API gives at once. */
const AT_ONCE = 10_000;

export function Links({ sync }: { sync: Schemas["SyncStatus"] }) {
  const t = useT();
  return (
    <Card title={t("links.title")} actions={<Export sync={sync.name} />}>
      <div className="grid gap-6 lg:grid-cols-2">
        <Import />
        <Decisions sync={sync} />
      </div>
    </Card>
  );
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** All links as the file that the import takes. */
function Export({ sync }: { sync: string }) {
  const t = useT();
  const file = useMutation({
    mutationFn: async () => {
      const rows = ["sync,entity,left,right"];
      let after: string | undefined;
      do {
        const page = await result(
          api.GET("/syncs/{name}/links", { params: { path: { name: sync }, query: { limit: AT_ONCE, ...(after ? { after } : {}) } } }),
        );
        rows.push(...page.map((link) => [sync, link.entity, link.left, link.right].map(quoted).join(",")));
        after = page.length === AT_ONCE ? page.at(-1)?.id : undefined;
      } while (after !== undefined);
      return `${rows.join("\n")}\n`;
    },
    onSuccess: (text) => {
      const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      const link = Object.assign(document.createElement("a"), { href: address, download: `${sync}-links.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    },
  });
  return (
    <>
      {file.error && <Trouble error={file.error} />}
      <Button busy={file.isPending} onClick={() => file.mutate()}>
        {t("links.export")}
      </Button>
    </>
  );
}

const send = (dry_run: boolean, body: string) =>
  result(api.POST("/links/import", { params: { query: { dry_run } }, body, bodySerializer: (plain) => plain, headers: { "content-type": "text/csv" } }));

/** Pairs out of a file: checked whole first, then linked. */
function Import() {
  const t = useT();
  const client = useQueryClient();
  const [text, setText] = useState<string>();
  const [name, setName] = useState("");
  const check = useMutation({ mutationFn: (body: string) => send(true, body) });
  const link = useMutation({
    mutationFn: (body: string) => send(false, body),
    onSuccess: () => Promise.all(["links", "status", "reviews", "decisions"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <div className="min-w-0 space-y-3">
      <h3 className="font-medium">{t("links.import")}</h3>
      <p className="text-sm text-soft">{t("links.import.how")}</p>
      <Labelled label={t("links.import.file")}>
        {(id) => (
          <input
            id={id}
            type="file"
            accept=".csv,text/csv"
            className={inputs}
            onChange={async (event) => {
              const input = event.target;
              const file = input.files?.[0];
              setName(file?.name ?? "");
              const chosen = await file?.text();
              // or choosing the same file again, once it was put right, would go unnoticed
              input.value = "";
              check.reset();
              link.reset();
              setText(chosen);
              if (chosen !== undefined) check.mutate(chosen);
            }}
          />
        )}
      </Labelled>
      {name && <p className="text-sm break-all">{name}</p>}
      {check.error && <Trouble error={check.error} />}
      {link.error && <Trouble error={link.error} />}
      <output className="block">
        {link.data ? (
          <Light tone="ok">{t("links.import.done", { n: link.data.linked })}</Light>
        ) : check.data ? (
          t("links.import.would", { n: check.data.linked, already: check.data.already })
        ) : (
          ""
        )}
      </output>
      {check.data && !link.data && text !== undefined && (
        <Button needs="work" look="main" busy={link.isPending} disabled={check.data.linked === 0} onClick={() => link.mutate(text)}>
          {t("links.import.go", { n: check.data.linked })}
        </Button>
      )}
    </div>
  );
}

export function Forget({ sync, pair }: { sync: string; pair: { entity: Schemas["Entity"]; left: string; right: string } }) {
  const t = useT();
  const client = useQueryClient();
  const forget = useMutation({
    mutationFn: () =>
      result(
        api.POST("/syncs/{name}/decisions/forget", {
          params: { path: { name: sync } },
          body: { entity: pair.entity, left: pair.left, right: pair.right },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["decisions"] }),
  });
  return (
    <>
      {forget.error && <Trouble error={forget.error} />}
      <Button needs="work" busy={forget.isPending} onClick={() => forget.mutate()} aria-label={t("links.forget.one", { left: pair.left, right: pair.right })}>
        {t("links.forget")}
      </Button>
    </>
  );
}

function Decisions({ sync }: { sync: Schemas["SyncStatus"] }) {
  const t = useT();
  return (
    <div className="min-w-0 space-y-3">
      <h3 className="font-medium">{t("links.decisions")}</h3>
      <Paged
        list={["decisions", sync.name]}
        get={(page) => result(api.GET("/syncs/{name}/decisions", { params: { path: { name: sync.name }, query: page } }))}
        none={t("links.decisions.none")}
      >
        {(rows) => (
          <div className="max-h-96 overflow-y-auto">
            <Table label={t("links.decisions")} heads={[sync.left, sync.right, t("links.decision"), t("links.forget")]}>
              {rows.map((row) => (
                <tr key={row.cursor}>
                  <td>
                    <RecordLink connection={sync.left} entity={row.entity} id={row.left} />
                  </td>
                  <td>
                    <RecordLink connection={sync.right} entity={row.entity} id={row.right} />
                  </td>
                  <td>{known(t, "decision", row.decision)}</td>
                  <td>
                    <Forget sync={sync.name} pair={row} />
                  </td>
                </tr>
              ))}
            </Table>
          </div>
        )}
      </Paged>
    </div>
  );
}
