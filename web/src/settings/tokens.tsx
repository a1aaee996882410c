// Tokens for programs. A token is made in this browser; only its hash goes into the config.
import { useState } from "react";
import { parse } from "yaml";
import { useApply } from "../connections/apply";
import { useT } from "../i18n";
import { Button, Card, inputs, Labelled, Table, Trouble } from "../ui/basic";
import { hexadecimal, withoutToken, withToken } from "./config";

interface Known {
  access?: string;
}

export function Tokens({ config }: { config: string }) {
  const t = useT();
  const [name, setName] = useState("");
  const [access, setAccess] = useState("read");
  const [made, setMade] = useState("");
  const apply = useApply(() => setName(""));
  const known = ((parse(config) as { api?: { tokens?: Record<string, Known> } } | null)?.api?.tokens ?? {}) as Record<string, Known>;
  const make = async () => {
    const token = `tandem_${hexadecimal(crypto.getRandomValues(new Uint8Array(32)))}`;
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    setMade("");
    apply.mutate(withToken(config, name, hexadecimal(new Uint8Array(hash)), access), { onSuccess: () => setMade(token) });
  };
  const bad = !/^[a-z0-9][a-z0-9_-]*$/.test(name) || Object.hasOwn(known, name);
  return (
    <Card title={t("settings.tokens")}>
      <p className="mb-3 max-w-prose text-soft">{t("settings.tokens.how")}</p>
      {apply.error && <Trouble error={apply.error} />}
      {Object.keys(known).length === 0 ? (
        <p>{t("settings.tokens.none")}</p>
      ) : (
        <Table label={t("settings.tokens")} heads={[t("settings.tokens.name"), t("settings.tokens.access"), t("settings.tokens.remove")]}>
          {Object.entries(known).map(([one, { access: may }]) => (
            <tr key={one}>
              <td>{one}</td>
              <td>{may === "admin" ? t("settings.tokens.admin") : t("settings.tokens.read")}</td>
              <td>
                <Button look="danger" onClick={() => apply.mutate(withoutToken(config, one))}>
                  {t("settings.tokens.remove")} <span className="sr-only">{one}</span>
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {made && (
        <div className="mt-3 rounded-lg border border-ok bg-ok-wash px-4 py-3">
          <p>{t("settings.tokens.once")}</p>
          <code className="break-all">{made}</code>
        </div>
      )}
      <form
        className="mt-4 flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!bad) void make();
        }}
      >
        <Labelled label={t("settings.tokens.name")}>
          {(id) => <input id={id} className={inputs} value={name} onChange={(event) => setName(event.target.value)} />}
        </Labelled>
        <Labelled label={t("settings.tokens.access")}>
          {(id) => (
            <select id={id} className={inputs} value={access} onChange={(event) => setAccess(event.target.value)}>
              <option value="read">{t("settings.tokens.read")}</option>
              <option value="admin">{t("settings.tokens.admin")}</option>
            </select>
          )}
        </Labelled>
        <Button type="submit" disabled={bad} busy={apply.isPending}>
          {t("settings.tokens.make")}
        </Button>
      </form>
    </Card>
  );
}
