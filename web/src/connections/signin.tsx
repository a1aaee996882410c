// Signing a connection in: what to look up at the vendor, then either paste it or go to the vendor's page.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, Refusal, result, type Schemas } from "../api/client";
import { useT } from "../i18n";
import { Button, inputs, Labelled, Spinner, Trouble } from "../ui/basic";
import { Checked } from "./page";

export function SignIn({ connection, done }: { connection: Schemas["Connection"]; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [given, setGiven] = useState<Record<string, string>>({});
  const { fields, redirect } = connection.sign_in;
  const asked = fields.filter((field) => field.in_config !== true);
  const begin = useMutation({
    mutationFn: () =>
      result(
        api.POST("/connections/{name}/connect", {
          params: { path: { name: connection.name } },
          body: { fields: Object.fromEntries(asked.map(({ name }) => [name, (given[name] ?? "").trim()])) },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["status"] }),
  });
  const ticket = begin.data?.ticket;
  const standing = useQuery({
    queryKey: ["sign-in", ticket],
    enabled: ticket !== undefined,
    queryFn: async () => {
      const found = await result(api.GET("/sign-ins/{ticket}", { params: { path: { ticket: ticket ?? "" } } }));
      if (found.stage === "connected") void client.invalidateQueries({ queryKey: ["status"] });
      return found;
    },
    refetchInterval: (query) => (["connected", "failed"].includes(query.state.data?.stage ?? "") ? false : 1000),
  });
  const stage = standing.data?.stage;
  const account = begin.data?.connected?.account ?? (stage === "connected" ? standing.data?.account : undefined);
  if (account) {
    return (
      <div className="space-y-4">
        <Checked account={account} />
        {begin.data?.webhook_url && <Register label={t("connections.webhook")} address={begin.data.webhook_url} />}
        <Button look="main" onClick={done}>
          {t("connections.done")}
        </Button>
      </div>
    );
  }
  if (begin.data?.link !== undefined && stage !== "failed") {
    return (
      <div className="space-y-4">
        <p>{t("connections.popup.how", { title: connection.title })}</p>
        <a
          href={begin.data.link}
          target="_blank"
          rel="opener noreferrer"
          className="inline-flex min-h-9 items-center rounded-md bg-accent px-3 py-1.5 text-sm font-medium text-accent-ink"
        >
          {t("connections.popup", { title: connection.title })}
        </a>
        <p aria-live="polite" className="flex items-center gap-2 text-soft">
          <Spinner /> {t("connections.popup.waiting")}
        </p>
        {standing.error && <Trouble error={standing.error} again={() => begin.reset()} />}
      </div>
    );
  }
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        begin.mutate();
      }}
    >
      {begin.error && <Trouble error={begin.error} />}
      {stage === "failed" && standing.data && (
        <Trouble error={new Refusal(409, { code: standing.data.code ?? "", message: standing.data.message ?? "", ...(standing.data.hint ? { hint: standing.data.hint } : {}) })} />
      )}
      {connection.redirect_uri && <Register label={t("connections.redirect")} address={connection.redirect_uri} />}
      {connection.webhook_url && <Register label={t("connections.webhook")} address={connection.webhook_url} />}
      {asked.map((field) => (
        <Labelled key={field.name} label={field.label} help={field.help}>
          {(id, described) => (
            <input
              id={id}
              aria-describedby={described}
              type={field.secret ? "password" : "text"}
              autoComplete="off"
              required
              className={inputs}
              value={given[field.name] ?? ""}
              onChange={(event) => setGiven({ ...given, [field.name]: event.target.value })}
            />
          )}
        </Labelled>
      ))}
      {asked.length === 0 && <p>{t("connections.inconfig")}</p>}
      <p className="text-sm text-soft">{t("connections.sealed")}</p>
      <Button type="submit" look="main" busy={begin.isPending}>
        {redirect ? t("connections.next") : t("connections.connect")}
      </Button>
    </form>
  );
}

/** An address that has to be registered at the vendor, to be copied. */
function Register({ label, address }: { label: string; address: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  return (
    <Labelled label={label}>
      {(id) => (
        <span className="flex gap-2">
          <input id={id} readOnly className={inputs} value={address} onFocus={(event) => event.target.select()} />
          <Button onClick={() => void navigator.clipboard.writeText(address).then(() => setCopied(true))}>
            {copied ? t("copied") : t("copy")}
          </Button>
        </span>
      )}
    </Labelled>
  );
}
